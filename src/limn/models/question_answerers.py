"""Networks that answer questions about pictures, from folders that transformers saved.

ViLT chooses among the answers that it was trained on (Kim et al. 2021, arXiv:2102.03334). BLIP says how likely it is
to speak an answer, by which answers are ranked (Li et al. 2022, arXiv:2201.12086, section 4.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.io.configurations import read_json
from limn.kernel.errors import InputError, WeightsError, unknown_name
from limn.models.transformers_folders import read_folder

AT_ONCE = 16
KINDS = {"vilt": "ViltForQuestionAnswering", "blip": "BlipForQuestionAnswering"}
PROCESSORS = {"vilt": "ViltImageProcessorPil", "blip": "BlipImageProcessorPil"}

Pictures = Sequence[NDArray[np.uint8]]


@dataclass(kw_only=True)
class Answerer:
    """A network that answers questions.

    Args:
        name: The folder.
        weights: SHA-256 of its weights.
        network: The frozen network.
        tokenizer: Of its words.
        sight: Prepares pictures.
    """

    name: str
    weights: str
    network: Any
    tokenizer: Any
    sight: Any

    def check(self, answers: Sequence[str]) -> None:
        """Refuse answers that it cannot give.

        Raises:
            InputError: It chooses among answers of its own, and one is not among them.
        """
        if self.network.config.model_type == "vilt":
            known = self.network.config.label2id
            for answer in answers:
                if answer not in known:
                    near = unknown_name("answer", answer, known)
                    raise InputError(
                        f"phrases: {self.name} has no such answer: {str(near).split('known:')[0].strip()}"
                    )

    def scores(self, pictures: Pictures, question: str, answers: Sequence[str]) -> NDArray[np.float64]:
        """Return log scores of answers to a question (pictures, answers), up to a number for each picture."""
        import torch

        self.check(answers)
        rows = [np.zeros((0, len(answers)))]
        for start in range(0, len(pictures), AT_ONCE):
            chunk = list(pictures[start : start + AT_ONCE])
            inputs = {
                name: value.to(self.network.device) for name, value in self.sight(chunk, return_tensors="pt").items()
            }
            asked = self._words([question] * len(chunk))
            with torch.inference_mode():
                vilt = self.network.config.model_type == "vilt"
                logits = self._chosen(inputs, asked, answers) if vilt else self._spoken(inputs, asked, answers)
            rows.append(logits.double().cpu().numpy())
        return np.concatenate(rows)

    def _words(self, texts: list[str]) -> dict[str, Any]:
        config = self.network.config
        limit = getattr(config, "text_config", config).max_position_embeddings
        rows = self.tokenizer(texts, padding=True, truncation=True, max_length=limit, return_tensors="pt")
        return {name: rows[name].to(self.network.device) for name in ("input_ids", "attention_mask")}

    def _chosen(self, inputs: dict[str, Any], asked: dict[str, Any], answers: Sequence[str]) -> Any:
        """Return the logits of ViLT's own answers."""
        places = [self.network.config.label2id[answer] for answer in answers]
        return self.network(**inputs, **asked).logits[:, places]

    def _spoken(self, inputs: dict[str, Any], asked: dict[str, Any], answers: Sequence[str]) -> Any:
        """Return how likely BLIP is to speak each answer, as sums of log probabilities of its tokens."""
        import torch

        images = self.network.vision_model(pixel_values=inputs["pixel_values"]).last_hidden_state
        question = self.network.text_encoder(**asked, encoder_hidden_states=images).last_hidden_state
        columns = []
        for answer in answers:
            words = self._words([answer] * len(images))["input_ids"]
            words[:, 0] = self.network.config.text_config.bos_token_id
            said = self.network.text_decoder(
                input_ids=words, encoder_hidden_states=question, encoder_attention_mask=asked["attention_mask"]
            ).logits
            likely = torch.log_softmax(said[:, :-1].float(), -1).gather(-1, words[:, 1:, None])
            columns.append(likely.sum((1, 2)))
        return torch.stack(columns, 1)


def load(path: str | Path, *, device: str = "cpu") -> Answerer:
    """Load a ViLT or BLIP folder that answers questions.

    Raises:
        InputError: There is no such folder.
        WeightsError: As :func:`limn.models.transformers_folders.read_folder`, or it was trained for another task.
    """
    import transformers

    folder = Path(path).expanduser()
    if not (folder / "config.json").is_file():
        raise InputError(f"model: {path} is no model folder; give a ViLT or BLIP folder that answers questions")
    config = read_json(folder / "config.json")
    family = config.get("model_type")
    if family in KINDS and KINDS[family] not in config.get("architectures", ()):
        raise WeightsError(f"{folder / 'config.json'}: is no {KINDS[family]}; give a folder that answers questions")
    network, tokenizer, weights = read_folder(folder, KINDS, "give a ViLT or BLIP folder that answers questions")
    network.to(device).eval().requires_grad_(False)
    try:
        sight = getattr(transformers, PROCESSORS[str(family)]).from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{folder}: has no sound image processor ({reason}); save the model's again") from None
    return Answerer(name=str(path), weights=weights, network=network, tokenizer=tokenizer, sight=sight)
