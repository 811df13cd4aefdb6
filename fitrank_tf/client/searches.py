"""What searches send, and what the answers mean, apart from any connection.

An operation is a generator. It yields the calls to make, is sent their responses, or the
error that one ended with is thrown into it, and it returns its result. The clients of
`search_client` make the calls, one waiting for them and one in an event loop.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from fitrank_tf.client.channel import RefusedError
from fitrank_tf.client.hits import Answer, check_top_k, read_hits
from fitrank_tf.client.messages import (
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    PREDICT,
    GetModelMetadataRequest,
    GetModelStatusRequest,
    Method,
    ModelSpec,
    PredictRequest,
    SignatureDefMap,
)
from fitrank_tf.client.tensors import (
    dtype_name,
    read_array,
    read_tensor,
    write_array,
    write_tensor,
)
from fitrank_tf.core.attribute_names import known_name
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import FilterValue, filter_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SEARCH, SIMILAR = "search", "similar"
NO_FILTERS: Mapping[str, FilterValue] = {}

_DEFAULT, _FILTERED, _EXPLAINED = "serving_default", "filtered", "explained"
_TOP_K, _UNDERSTOOD = "top_k", "understood"
# Inputs that are no filters.
_OWN_INPUTS = frozenset({"query", "image", "text", _TOP_K})
# Outputs of every search, and of some.
_OUTPUTS = ("ids", "titles", "scores")
_MORE_OUTPUTS = ("first_stage_ranks", "explanations", _UNDERSTOOD)
_STATES = {10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
_MAX_INT32 = 2**31 - 1

T = TypeVar("T")


class Call(NamedTuple):
    """One call to make.

    Attributes:
        method: of a service.
        request: its message.
        model: that is asked, for messages.
    """

    method: Method
    request: Any
    model: str


Exchange = Generator[Call, Any, T]
# {name: SignatureDef}.
_Signatures = Mapping[str, Any]


class _Asked(NamedTuple):
    """A search, before the signature is known.

    Attributes:
        model: its name.
        inputs: those of every signature, texts of the batch.
        text: input of the signatures that filter, beside the filters.
        top_k: the most products wanted.
        filters: {attribute: filter}.
    """

    model: str
    inputs: Mapping[str, Sequence[bytes]]
    text: Mapping[str, Sequence[bytes]]
    top_k: int
    filters: Mapping[str, FilterValue]

    @property
    def batch(self) -> int:
        return len(next(iter(self.inputs.values())))


class Searches:
    """The operations of a client; see `SearchClient` for what they do.

    Args:
        address: of the server, for messages.
        model: name of the search model.
        label: which version of every model; "" for the newest.
    """

    def __init__(self, address: str, model: str, label: str):
        self._address, self._model, self._label = address, model, label
        self._known: dict[str, _Signatures] = {}

    def search(
        self,
        queries: Sequence[str],
        top_k: int,
        filters: Mapping[str, FilterValue],
        explain: bool,
    ) -> Exchange[list[Answer]]:
        check_queries(queries, top_k)
        if not queries:
            return []

        def choose(signatures: _Signatures) -> str:
            if explain and _EXPLAINED in signatures:
                return _EXPLAINED
            cuts = _FILTERED in signatures and _TOP_K in signatures[_FILTERED].inputs
            return _FILTERED if filters or cuts else _DEFAULT

        inputs = {"query": _encoded(queries)}
        asked = _Asked(self._model, inputs, {}, top_k, filters)
        return (yield from self._answers(asked, choose))

    def similar(
        self,
        images: Sequence[bytes],
        text: str,
        top_k: int,
        filters: Mapping[str, FilterValue],
    ) -> Exchange[list[Answer]]:
        check_top_k(top_k)
        if not images:
            return []
        # The plain signature orders by the photos alone, and is the faster one.
        name = _FILTERED if text.strip() or filters else _DEFAULT
        texts = {"text": _encoded([text]) * len(images)}
        asked = _Asked(SIMILAR, {"image": images}, texts, top_k, filters)
        return (yield from self._answers(asked, lambda _: name))

    def predict(
        self,
        model: str,
        inputs: Mapping[str, "npt.ArrayLike"],
        signature: str,
        outputs: Sequence[str],
    ) -> Exchange[dict[str, "np.ndarray"]]:
        response = yield from self._predicted(model, inputs, signature, outputs, 0)
        return _arrays(response)

    def predict_version(
        self,
        model: str,
        inputs: Mapping[str, "npt.ArrayLike"],
        signature: str = _DEFAULT,
        version: int = 0,
    ) -> Exchange[tuple[dict[str, "np.ndarray"], int]]:
        """As `predict`, by one version, and which it was; 0 takes the client's label."""
        response = yield from self._predicted(model, inputs, signature, (), version)
        return _arrays(response), response.model_spec.version.value

    def _predicted(
        self,
        model: str,
        inputs: Mapping[str, "npt.ArrayLike"],
        signature: str,
        outputs: Sequence[str],
        version: int,
    ) -> Exchange[Any]:
        def write(signatures: _Signatures) -> Any:
            if signature not in signatures:
                # What TensorFlow begins with "__" is its own.
                known = ", ".join(sorted(s for s in signatures if s[:2] != "__"))
                raise FitRankError(
                    f"model '{model}' at {self._address} has no signature '{signature}'; "
                    f"choose from {known}"
                )
            request = PredictRequest(
                model_spec=self._spec(model, signature, version), output_filter=outputs
            )
            declared = signatures[signature].inputs
            for name, values in inputs.items():
                if name not in declared:
                    raise FitRankError(
                        f"input '{name}': signature '{signature}' of model '{model}' takes "
                        f"{', '.join(sorted(declared))}"
                    )
                dtype = dtype_name(declared[name].dtype, name)
                try:
                    request.inputs[name].CopyFrom(write_array(values, dtype))
                except FitRankError as error:
                    raise FitRankError(f"input '{name}': {error}") from error
            return request

        return (yield from self._predict(model, write))

    def filter_names(self, model: str) -> Exchange[frozenset[str]]:
        signatures = yield from self._signatures(model)
        if _FILTERED not in signatures:
            return frozenset()
        return frozenset(signatures[_FILTERED].inputs) - _OWN_INPUTS

    def versions(self, model: str) -> Exchange[dict[int, str]]:
        request = GetModelStatusRequest(model_spec=self._spec(model, _DEFAULT))
        response = yield Call(GET_MODEL_STATUS, request, model)
        return {
            each.version: _STATES.get(each.state, str(each.state))
            for each in response.model_version_status
        }

    def _answers(
        self, asked: _Asked, choose: Callable[[_Signatures], str]
    ) -> Exchange[list[Answer]]:
        response = yield from self._predict(
            asked.model, lambda signatures: self._request(asked, choose, signatures)
        )
        return self._read(asked, response)

    def _predict(self, model: str, write: Callable[[_Signatures], Any]) -> Exchange[Any]:
        """Sends what `write` makes of a model's signatures.

        A request that is refused is written again if it was made for signatures that were
        asked for before: the server may have another version by now.
        """
        is_fresh = model not in self._known
        signatures = yield from self._signatures(model)
        try:
            return (yield Call(PREDICT, write(signatures), model))
        except RefusedError:
            if is_fresh:
                raise
            del self._known[model]
        return (yield from self._predict(model, write))

    def _signatures(self, model: str) -> Exchange[_Signatures]:
        """A model's signatures, asked of the server once."""
        if model not in self._known:
            request = GetModelMetadataRequest(
                model_spec=self._spec(model, _DEFAULT), metadata_field=["signature_def"]
            )
            response = yield Call(GET_MODEL_METADATA, request, model)
            packed = response.metadata["signature_def"].value
            self._known[model] = dict(SignatureDefMap.FromString(packed).signature_def)
        return self._known[model]

    def _spec(self, model: str, signature: str, version: int = 0) -> Any:
        name = "" if signature == _DEFAULT else signature
        spec = ModelSpec(name=model, signature_name=name)
        if version:
            spec.version.value = version
        elif self._label:
            spec.version_label = self._label
        return spec

    def _request(
        self,
        asked: _Asked,
        choose: Callable[[_Signatures], str],
        signatures: _Signatures,
    ) -> Any:
        name = choose(signatures)
        declared = signatures.get(name)
        inputs = asked.inputs
        request = PredictRequest(model_spec=self._spec(asked.model, name))
        if name != _DEFAULT:
            known = frozenset(declared.inputs if declared else ()) - _OWN_INPUTS
            inputs = {**inputs, **asked.text, **self._filter_inputs(asked, known)}
            if declared and _TOP_K in declared.inputs:
                wanted = [min(asked.top_k, _MAX_INT32)] * asked.batch
                request.inputs[_TOP_K].CopyFrom(write_tensor(wanted, "int32"))
        for key, values in inputs.items():
            request.inputs[key].CopyFrom(write_tensor(values, "object"))
        # The filter spares the bytes of other outputs, and makes the server say so if the
        # model is no search model.
        given = declared.outputs if declared else ()
        more = [output for output in _MORE_OUTPUTS if output in given]
        request.output_filter.extend([*_OUTPUTS, *more])
        return request

    def _filter_inputs(
        self, asked: _Asked, known: frozenset[str]
    ) -> dict[str, Sequence[bytes]]:
        """Every filter that the model has, those that are not set as ""."""
        searched = f"model '{asked.model}' at {self._address}"
        filters = filter_texts(asked.filters, known, searched)
        texts = {name: filters.get(name, "") for name in known}
        return {name: _encoded([text]) * asked.batch for name, text in texts.items()}

    def _read(self, asked: _Asked, response: Any) -> list[Answer]:
        given = response.outputs
        names = [*_OUTPUTS, *(name for name in _MORE_OUTPUTS if name in given)]
        tensors = {name: read_tensor(given[name], name) for name in names}
        understood = tensors.pop(_UNDERSTOOD, None)
        shapes = [tensor.shape for tensor in tensors.values()]
        width = shapes[0][-1] if shapes[0] else 0
        is_each = understood is None or understood.shape == (asked.batch,)
        if set(shapes) != {(asked.batch, width)} or not is_each:
            raise FitRankError(
                f"{self._address}: model '{asked.model}' answers {asked.batch} queries "
                f"with {tuple(names)} of the shapes {shapes}: export it again"
            )
        said = [None] * asked.batch if understood is None else understood.values
        answers = []
        for row, text in enumerate(said):
            places = slice(row * width, (row + 1) * width)
            own = {name: tensor.values[places] for name, tensor in tensors.items()}
            read = None if text is None else text.decode(errors="replace")
            answers.append(Answer(read_hits(own, asked.top_k), read))
        return answers


def check_queries(queries: Sequence[str], top_k: int) -> None:
    """Refuses what is no list of queries, and a number of hits below 1.

    Raises:
        FitRankError: for either.
    """
    if isinstance(queries, str):
        raise FitRankError(f"queries {queries!r}: give a list of texts, not one text")
    check_top_k(top_k)


def filter_texts(
    filters: Mapping[str, FilterValue], known: Collection[str], searched: str
) -> dict[str, str]:
    """{attribute: filter as text}, by the names that are known.

    Args:
        filters: by names as a person writes them.
        known: names of what can be filtered by.
        searched: what is searched, for the message.

    Raises:
        FitRankError: if a name is none of the known, or a filter cannot be used.
    """
    chosen = {known_name(name, known): each for name, each in filters.items()}
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise FitRankError(
            f"filter '{unknown[0]}': {searched} filters by "
            f"{', '.join(sorted(known)) or 'nothing'}"
        )
    return {name: filter_text(each) for name, each in chosen.items()}


def _arrays(response: Any) -> dict[str, "np.ndarray"]:
    found = response.outputs
    return {name: read_array(found[name], name) for name in sorted(found)}


def _encoded(texts: Sequence[str]) -> list[bytes]:
    return [text.encode(errors="replace") for text in texts]
