"""The ROS graph: the only code that imports rclpy."""
