"""The states of a model's versions, as `GetModelStatus` of gRPC and REST reports them."""

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)

from serving.models.model_manager import ModelManager, model_spec_of
from serving.status import StatusError


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
    versions = "any versions"
    if spec.HasField("version"):
        versions = f"version {spec.version.value}"
        statuses = [one for one in statuses if one.version == spec.version.value]
    if not statuses:
        raise StatusError(
            grpc.StatusCode.NOT_FOUND, f"Could not find {versions} of model {spec.name}"
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
