"""Going on from an earlier model: weights of the kinds and shapes that two tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.model import Model
    from gretel_fin_synth.training.local.network import TransactionLSTM

BY_KIND = ("kind_embedding.weight", "due_by_kind.weight", "share_by_kind.weight")


def inherit(network: TransactionLSTM, kinds: list[tuple[str, str]], earlier: Model) -> None:
    """Copy what the earlier network learned; a kind that it did not know keeps its fresh weights.

    Offsets that were matched to the earlier table are not taken over, nor is the frequency of kinds.
    """
    old = {name: value for name, value in earlier.network.named_parameters() if name != "kind_bias"}
    shared = [(i, earlier.kinds.index(kind)) for i, kind in enumerate(kinds) if kind in earlier.kinds]
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name not in old:
                continue
            if name in BY_KIND:
                for new_row, old_row in shared:
                    value[new_row] = old[name][old_row]
                if len(value) == len(kinds) + 1:  # the row that stands for "no kind"
                    value[-1] = old[name][-1]
            elif value.shape == old[name].shape:
                value.copy_(old[name])
