"""Write the demo session, config/sessions/face.mcap: the painted face before the camera, for 8 s, once a second.

python -m scripts.record_face
"""

from pathlib import Path

from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.sessions import SessionWriter
from sketch_robot.testing import moving_face

SECONDS, RATE_HZ, WIDTH, HEIGHT = 8.0, 1.0, 480, 360

writer = SessionWriter(Path('config/sessions/face.mcap'))
for k in range(round(SECONDS * RATE_HZ)):
    stamp_ns = 10**9 + round(k / RATE_HZ * 1e9)
    header = Header(frame_id='camera_optical_frame')
    header.stamp.sec, header.stamp.nanosec = divmod(stamp_ns, 10**9)
    image = image_to_ros(moving_face(k / RATE_HZ, WIDTH, HEIGHT), 'rgb8', header)
    writer.write('/image_raw', 'sensor_msgs/msg/Image', serialize_message(image), stamp_ns)
    info = CameraInfo(header=header, width=WIDTH, height=HEIGHT)
    writer.write('/camera_info', 'sensor_msgs/msg/CameraInfo', serialize_message(info), stamp_ns)
writer.close()
