"""The reference in the tower benchmark: PyTorch with transformers and peft.

`python -m benchmarks.rivals.torch_clip FOLDER` is started by `benchmarks.towers.benchmark`
if the `bench` extra is installed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
import transformers

from benchmarks.benchmark_process import Operation, serve_operations
from benchmarks.towers.work import (
    IMAGE_STEP,
    IMAGES,
    LEARNING_RATE,
    LORA,
    TEXT_STEP,
    TEXTS,
    TRAIN,
    TRAINED,
    WEIGHT_DECAY,
    Batch,
)

_TARGETS = {"query": "q_proj", "value": "v_proj"}
# CLIP's mean and deviation of photos, copied to avoid importing Keras.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


def torch_operations(folder: Path) -> Mapping[str, Operation]:
    """The operations of `benchmarks.towers.work` with transformers and peft.

    Args:
        folder: directory with a checkpoint and a batch.

    Returns:
        {name: operation}.
    """
    clip = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32)
    config = peft.LoraConfig(
        r=LORA.rank,
        lora_alpha=LORA.alpha,
        lora_dropout=LORA.dropout,
        target_modules=[_TARGETS[target] for target in LORA.targets],
    )
    model = peft.get_peft_model(clip, config).eval()
    # The temperature is trained too, besides the adapters.
    clip.logit_scale.requires_grad_(True)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    batch = Batch.load(folder)
    count = sum(weight.numel() for weight in trained)

    def encode_images() -> torch.Tensor:
        return _unit(clip.get_image_features(pixel_values=_pixels(batch)))

    def encode_texts() -> torch.Tensor:
        return _unit(clip.get_text_features(input_ids=_token_ids(batch)))

    return {
        TRAIN: _training_step(model, trained, batch),
        IMAGES: torch.inference_mode()(lambda: encode_images().numpy()),
        TEXTS: torch.inference_mode()(lambda: encode_texts().numpy()),
        IMAGE_STEP: _tower_step(encode_images, trained),
        TEXT_STEP: _tower_step(encode_texts, trained),
        TRAINED: lambda: np.array(count),
    }


def _training_step(
    model: peft.PeftModel, trained: list[torch.nn.Parameter], batch: Batch
) -> Operation:
    optimizer = torch.optim.AdamW(trained, LEARNING_RATE, weight_decay=WEIGHT_DECAY)

    def train() -> np.ndarray:
        optimizer.zero_grad()
        made = model(
            pixel_values=_pixels(batch), input_ids=_token_ids(batch), return_loss=True
        )
        made.loss.backward()
        optimizer.step()
        return made.loss.detach().numpy()

    return train


def _tower_step(
    encode: Callable[[], torch.Tensor], trained: list[torch.nn.Parameter]
) -> Operation:
    def step() -> np.ndarray:
        loss = encode().mean()
        loss.backward()
        for weight in trained:
            weight.grad = None
        return loss.detach().numpy()

    return step


def _pixels(batch: Batch) -> torch.Tensor:
    """float32 [B, 3, S, S], normalised in every step, as in this project's towers."""
    images = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 255.0
    mean, std = (torch.tensor(values)[:, None, None] for values in (_MEAN, _STD))
    return ((images - mean) / std).contiguous()


def _token_ids(batch: Batch) -> torch.Tensor:
    return torch.from_numpy(batch.token_ids).long()


def _unit(features: Any) -> torch.Tensor:
    """Scales rows to length 1. Newer releases of transformers return an output object."""
    vectors = getattr(features, "pooler_output", features)
    return vectors / vectors.norm(dim=-1, keepdim=True)


if __name__ == "__main__":
    serve_operations(torch_operations)
