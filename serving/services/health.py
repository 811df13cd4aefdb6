"""The standard gRPC health service, behind `--enable_grpc_healthcheck_service`.

As in TF-Serving it says that the server answers, not that a model is ready: for that
ask `ModelService.GetModelStatus`.
"""

import grpc

from fitrank_tf.core.packages import imports_of

with imports_of("serving"):
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc

# "" is the server as a whole.
SERVICES = ("", "ModelService", "PredictionService")


def add_health_service(server: grpc.Server) -> health.HealthServicer:
    """Adds the service to a server that has not started; all is SERVING.

    Returns:
        What to tell when the server begins to stop.
    """
    servicer = health.HealthServicer()
    for service in SERVICES:
        servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    return servicer
