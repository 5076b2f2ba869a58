"""The tests of the framework; ``tests.live`` and ``tests.node_client`` are what several suites share."""
