"""The standard gRPC health service, behind `--enable_grpc_healthcheck_service`.

As in TF-Serving it says that the server accepts requests, not that a model is ready: see
`ModelService.GetModelStatus` for that.
"""

import grpc

from fitrank_tf.core.packages import imports_of

with imports_of("serving"):
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc

# "" stands for the whole server.
SERVICES = ("", "ModelService", "PredictionService")


def add_health_service(server: grpc.Server) -> health.HealthServicer:
    """Adds the health service to a server that has not started, in the state SERVING.

    Returns:
        The servicer, whose `enter_graceful_shutdown` is to be called at a stop.
    """
    servicer = health.HealthServicer()
    for service in SERVICES:
        servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    return servicer
