"""TF-Serving's `ModelService`: what is loaded."""

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelVersionStatus,
)
from tensorflow_serving.apis.model_management_pb2 import (
    ReloadConfigRequest,
    ReloadConfigResponse,
)

from serving.model_manager import ModelManager, model_spec_of
from serving.status import StatusError, answers_with_status


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers `GetModelStatus` from a `ModelManager`."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    @answers_with_status
    def GetModelStatus(  # noqa: N802  the protocol's name
        self, request: GetModelStatusRequest, context: grpc.ServicerContext
    ) -> GetModelStatusResponse:
        """The state of one version, or of all; a label is ignored, as TF-Serving does."""
        spec = model_spec_of(request)
        versions = self._manager.versions(spec.name)
        if spec.HasField("version"):
            wanted = spec.version.value
            if wanted not in versions:
                raise StatusError(
                    grpc.StatusCode.NOT_FOUND,
                    f"Could not find version {wanted} of model {spec.name}",
                )
            versions = [wanted]
        if not versions:
            raise StatusError(
                grpc.StatusCode.NOT_FOUND,
                f"Could not find any versions of model {spec.name}",
            )
        return GetModelStatusResponse(
            model_version_status=[_available(version) for version in versions]
        )

    @answers_with_status
    def HandleReloadConfigRequest(  # noqa: N802  the protocol's name
        self, request: ReloadConfigRequest, context: grpc.ServicerContext
    ) -> ReloadConfigResponse:
        """Refuses: the models are read once, at the start."""
        raise StatusError(
            grpc.StatusCode.UNIMPLEMENTED,
            "HandleReloadConfigRequest is not served here: restart the server to reload",
        )


def _available(version: int) -> ModelVersionStatus:
    status = ModelVersionStatus(version=version, state=ModelVersionStatus.AVAILABLE)
    # A set but empty status says OK, which clients tell from one that is missing.
    status.status.SetInParent()
    return status
