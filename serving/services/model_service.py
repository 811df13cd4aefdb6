"""TF-Serving's `ModelService`: the states of models, and changes of the model list."""

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)
from tensorflow_serving.apis.model_management_pb2 import (
    ReloadConfigRequest,
    ReloadConfigResponse,
)

from serving.models.model_manager import ModelManager, model_spec_of
from serving.status import StatusError, aborts_with_status, invalid_argument


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """`ModelService` for the models of a `ModelManager`."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    @aborts_with_status
    def GetModelStatus(  # noqa: N802  the protocol's name
        self, request: GetModelStatusRequest, context: grpc.ServicerContext
    ) -> GetModelStatusResponse:
        """The state of one version of a model, or of all its versions."""
        return model_status(self._manager, request)

    @aborts_with_status
    def HandleReloadConfigRequest(  # noqa: N802  the protocol's name
        self, request: ReloadConfigRequest, context: grpc.ServicerContext
    ) -> ReloadConfigResponse:
        """Replaces the list of served models; returns when new models are loaded."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                "ModelConfigList is currently supported"
            )
        self._manager.reload(list(request.config.model_config_list.config))
        response = ReloadConfigResponse()
        response.status.SetInParent()
        return response


def model_status(
    manager: ModelManager, request: GetModelStatusRequest
) -> GetModelStatusResponse:
    """The state of one version of a model, or of all its versions.

    A label in the request is ignored, as in TF-Serving.

    Args:
        manager: the served models.
        request: names the model, and a version or none.

    Raises:
        StatusError: no model is named (INVALID_ARGUMENT), or it is not configured or has
            no such version (NOT_FOUND).
    """
    spec = model_spec_of(request)
    statuses = manager.statuses(spec.name)
    if spec.HasField("version"):
        wanted = spec.version.value
        statuses = [status for status in statuses if status.version == wanted]
        if not statuses:
            raise StatusError(
                grpc.StatusCode.NOT_FOUND,
                f"Could not find version {wanted} of model {spec.name}",
            )
    if not statuses:
        raise StatusError(
            grpc.StatusCode.NOT_FOUND,
            f"Could not find any versions of model {spec.name}",
        )
    response = GetModelStatusResponse()
    for status in statuses:
        version = response.model_version_status.add(
            version=status.version, state=status.state
        )
        # An empty status that is set means OK; clients distinguish it from a missing one.
        version.status.SetInParent()
        version.status.error_code = status.error_code
        version.status.error_message = status.error_message
    return response
