"""The studio: people come, choose a drawing of themselves, are drawn, and take it home.

`app` serves the pages and the API over HTTP, `desk` draws one job after the other, `store` keeps the queue on disk,
`robot` says what all of them ask of the machine; `nodes.studio` answers that over ROS, and nothing here knows ROS.
"""
