"""Quality of service of the topics."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

# Depth 1: a slow reader gets the newest picture, not a queue of old ones. Reliable, because best effort loses
# every third 1280 x 720 frame on the default transport.
IMAGE = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE)
IMAGE_BEST_EFFORT = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)

# The last one is kept for whoever comes later: drawings, paths, what is on paper, the plotter's state.
LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

# Signs of life, each a few bytes; those that wait while a node is busy are all heard.
KEEPALIVE = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=20, reliability=ReliabilityPolicy.RELIABLE)
