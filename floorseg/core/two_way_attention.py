"""Prompt tokens and image tokens attend to each other: ``TwoWayTransformer`` without the copying.

The few prompt tokens are projected into the space of the image tokens, not the other way: the
logits ``(x W_q) (t W_k)'`` are ``x (W_q W_k' t')``, so that no key, query or value of an image
token is ever written, and the softmax runs along contiguous memory. The same weights, the same
numbers. Knows nothing of images, prompts or files: tensors in, tensors out.
"""

import torch
from sam2.modeling.sam.mask_decoder import MaskDecoder
from sam2.modeling.sam.transformer import Attention, TwoWayAttentionBlock
from torch import Tensor


def look_both_ways(
    decoder: MaskDecoder, tokens: Tensor, keys: Tensor, position: Tensor
) -> tuple[Tensor, Tensor]:
    """What ``TwoWayTransformer`` answers: both sides after attending to each other.

    Args:
        decoder: whose weights are used.
        tokens: (B, T, C), of the prompts.
        keys: (B, N, C), of the image, or (1, N, C): the same for all prompts.
        position: (N, C), the positional encoding of the image tokens.

    Returns:
        (B, T, C) and (B, N, C).
    """
    queries = tokens
    transformer = decoder.transformer
    for layer in transformer.layers:
        queries, keys = _layer(layer, queries, keys, tokens, position)
    placed = keys + position
    attended = _to_image(transformer.final_attn_token_to_image, queries + tokens, placed, keys)
    return transformer.norm_final_attn(queries + attended), keys


def _layer(
    layer: TwoWayAttentionBlock, queries: Tensor, keys: Tensor, tokens: Tensor, position: Tensor
) -> tuple[Tensor, Tensor]:
    if layer.skip_first_layer_pe:
        queries = layer.self_attn(q=queries, k=queries, v=queries)
    else:
        placed_queries = queries + tokens
        queries = queries + layer.self_attn(q=placed_queries, k=placed_queries, v=queries)
    queries = layer.norm1(queries)
    placed = keys + position
    attended = _to_image(layer.cross_attn_token_to_image, queries + tokens, placed, keys)
    queries = layer.norm2(queries + attended)
    queries = layer.norm3(queries + layer.mlp(queries))
    keys = _from_image(layer.cross_attn_image_to_token, keys, placed, queries + tokens, queries)
    return queries, layer.norm4(keys)


def _to_image(attention: Attention, queries: Tensor, placed: Tensor, keys: Tensor) -> Tensor:
    """Prompt tokens look at the image: (B, T, C).

    The bias of the key projection adds the same to all logits of a query: the softmax forgets it.
    The bias of the value projection passes through, as the weights of a query add up to one.
    """
    batch, count, channels = queries.shape
    heads, width = attention.num_heads, attention.internal_dim // attention.num_heads
    q = attention.q_proj(queries).reshape(batch, count, heads, width).transpose(1, 2)
    q = q @ attention.k_proj.weight.reshape(heads, width, channels) * width**-0.5
    weights = _product(q.reshape(batch, heads * count, channels), placed.mT).softmax(dim=-1)
    seen = _product(weights, keys).reshape(batch, heads, count, channels)
    values = seen @ attention.v_proj.weight.reshape(heads, width, channels).mT
    values = values.transpose(1, 2).reshape(batch, count, heads * width)
    return attention.out_proj(values + attention.v_proj.bias)


def _from_image(
    attention: Attention, keys: Tensor, placed: Tensor, queries: Tensor, values: Tensor
) -> Tensor:
    """Image tokens look at the prompt: what they were plus what they saw, (B, N, C)."""
    batch, count, channels = queries.shape
    heads, width = attention.num_heads, attention.internal_dim // attention.num_heads
    k = attention.k_proj(queries).reshape(batch, count, heads, width).transpose(1, 2)
    k = k * width**-0.5
    bias = k @ attention.q_proj.bias.reshape(heads, width, 1)  # (B, heads, T, 1)
    k = k @ attention.q_proj.weight.reshape(heads, width, channels)
    logits = _product(k.reshape(batch, heads * count, channels), placed.mT)
    weights = (logits.reshape(batch, heads, count, -1) + bias).softmax(dim=2)
    v = attention.v_proj(values).reshape(batch, count, heads, width).transpose(1, 2)
    v = v @ attention.out_proj.weight.T.reshape(heads, width, channels)
    # each head's weights add up to one, so the output's bias can ride on the first head's values
    v = torch.cat([v[:, :1] + attention.out_proj.bias, v[:, 1:]], dim=1)
    weights = weights.reshape(batch, heads * count, -1).mT
    v = v.reshape(batch, heads * count, channels)
    return torch.baddbmm(keys.expand(batch, -1, -1), weights, v)


def _product(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right``; where all of a batch share the right side, as one large product."""
    if right.shape[0] == 1 and left.shape[0] > 1:
        batch, rows, _ = left.shape
        return (left.reshape(batch * rows, -1) @ right[0]).reshape(batch, rows, -1)
    return torch.bmm(left, right)
