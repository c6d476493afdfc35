"""A face as it is seen in a close-up: lines along its flow, and its dark shapes."""
