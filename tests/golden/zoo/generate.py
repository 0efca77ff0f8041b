#!/usr/bin/env python3
"""Golden cases of what a family's config.json can change, computed by PyTorch and Hugging Face transformers.

A case is a folder as `save_pretrained` writes it plus case.json and case.safetensors (in.*, out.*, grad.*), as the cases
without a tag in ../cases have them: random weights that are not small, dropout 0.

  pip install torch==2.13.0 transformers==5.18.0
  python generate.py --out ../cases
"""
import argparse, inspect, json, pathlib, shutil
import torch, transformers
from safetensors.torch import save_file

H, LAYERS, HEADS, INTER, VOCAB, POS = 16, 2, 4, 24, 41, 40


def bertlike(**kw):
    return dict(vocab_size=VOCAB, hidden_size=H, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INTER,
                max_position_embeddings=POS, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0) | kw


def modern(**kw):
    return dict(vocab_size=VOCAB, hidden_size=H, intermediate_size=INTER, num_hidden_layers=LAYERS + 2, num_attention_heads=HEADS,
                max_position_embeddings=POS, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
                local_attention=6) | kw


def deberta(**kw):
    return bertlike(relative_attention=True, position_buckets=8, norm_rel_ebd='layer_norm', share_att_key=True, pos_att_type=['p2c', 'c2p'],
                    position_biased_input=False, type_vocab_size=0, layer_norm_eps=1e-7) | kw


def euro(**kw):
    return dict(vocab_size=VOCAB, hidden_size=H, intermediate_size=INTER, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                num_key_value_heads=2, max_position_embeddings=POS, pad_token_id=0, bos_token_id=1, eos_token_id=2, mask_token_id=4) | kw


DISTIL = dict(vocab_size=VOCAB, dim=H, n_layers=LAYERS, n_heads=HEADS, hidden_dim=INTER, max_position_embeddings=POS, dropout=0.0,
              attention_dropout=0.0, seq_classif_dropout=0.0, qa_dropout=0.0)
ALBERT = dict(hidden_act='gelu_new', classifier_dropout_prob=0.0)

# family, head, tag, config, how the inputs differ
VARIANTS = [
    ('bert', 'Bert', 'ForMaskedLM', 'untied', bertlike(tie_word_embeddings=False), {}),
    ('bert', 'Bert', 'Model', 'causal', bertlike(is_decoder=True), {}),
    ('bert', 'Bert', 'Model', 'positions', bertlike(), dict(positions=True)),
    ('bert', 'Bert', 'Model', 'quick_gelu', bertlike(hidden_act='quick_gelu'), {}),
    ('bert', 'Bert', 'Model', 'left', bertlike(), dict(left=True, empty=True)),
    ('bert', 'Bert', 'ForSequenceClassification', 'unnamed', bertlike(num_labels=3), {}),
    ('roberta', 'Roberta', 'ForMaskedLM', 'untied', bertlike(pad_token_id=1, tie_word_embeddings=False), {}),
    ('roberta', 'Roberta', 'ForCausalLM', 'cross', bertlike(pad_token_id=1, is_decoder=True, add_cross_attention=True), dict(cross=True)),
    ('distilbert', 'DistilBert', 'ForMaskedLM', 'untied', DISTIL | dict(tie_word_embeddings=False, activation='relu'), {}),
    ('distilbert', 'DistilBert', 'Model', 'sines', DISTIL | dict(sinusoidal_pos_embds=True), {}),
    ('albert', 'Albert', 'ForMaskedLM', 'groups', bertlike(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2, embedding_size=H, **ALBERT), {}),
    ('albert', 'Albert', 'ForMaskedLM', 'untied', bertlike(embedding_size=8, tie_word_embeddings=False, **ALBERT), {}),
    ('electra', 'Electra', 'ForMaskedLM', 'wide', bertlike(embedding_size=H, summary_last_dropout=0.0, hidden_act='relu'), {}),
    ('electra', 'Electra', 'ForMultipleChoice', 'mean', bertlike(embedding_size=8, summary_type='mean', summary_activation='tanh', summary_last_dropout=0.0), {}),
    ('mpnet', 'MPNet', 'ForMaskedLM', 'untied', bertlike(pad_token_id=1, tie_word_embeddings=False), {}),
    ('modernbert', 'ModernBert', 'ForMaskedLM', 'biases', modern(attention_bias=True, mlp_bias=True, norm_bias=True, classifier_bias=True, decoder_bias=False,
                                                              hidden_activation='silu', classifier_activation='relu'), {}),
    ('modernbert', 'ModernBert', 'ForMaskedLM', 'untied', modern(tie_word_embeddings=False), {}),
    ('modernbert', 'ModernBert', 'ForMaskedLM', 'sparse', modern(sparse_prediction=True), {}),
    ('modernbert', 'ModernBert', 'ForSequenceClassification', 'mean', modern(classifier_pooling='mean', global_attn_every_n_layers=2), {}),
    ('modernbert', 'ModernBert', 'ForMultipleChoice', 'left', modern(), dict(left=True)),
    ('modernbert', 'ModernBert', 'Model', 'older', modern(global_rope_theta=5000.0, local_rope_theta=300.0), dict(older=True)),
    ('deberta-v2', 'DebertaV2', 'ForMaskedLM', 'own', deberta(share_att_key=False, position_buckets=-1, norm_rel_ebd='none', type_vocab_size=2, position_biased_input=True), {}),
    ('deberta-v2', 'DebertaV2', 'ForMaskedLM', 'untied', deberta(tie_word_embeddings=False), {}),
    ('deberta-v2', 'DebertaV2', 'ForMaskedLM', 'newhead', deberta(legacy=False), {}),
    ('deberta-v2', 'DebertaV2', 'ForMaskedLM', 'narrow', deberta(embedding_size=8, pos_att_type='c2p'), {}),
    ('deberta-v2', 'DebertaV2', 'ForQuestionAnswering', 'conv', deberta(conv_kernel_size=3, conv_groups=2, conv_act='gelu', pos_att_type=['p2c']), {}),
    ('deberta-v2', 'DebertaV2', 'ForSequenceClassification', 'plain', deberta(relative_attention=False, pooler_hidden_act='tanh', cls_dropout=0.0), {}),
    ('nomic_bert', 'NomicBert', 'Model', 'heads', bertlike(head_dim=6, rope_parameters=dict(rope_type='default', rope_theta=77.0)), dict(positions=True)),
    ('roformer', 'RoFormer', 'ForMaskedLM', 'values', bertlike(rotary_value=True, embedding_size=8), {}),
    ('roformer', 'RoFormer', 'ForCausalLM', 'cross', bertlike(is_decoder=True, add_cross_attention=True), dict(cross=True)),
    ('ernie', 'Ernie', 'Model', 'tasks', bertlike(use_task_id=True, task_type_vocab_size=4), dict(tasks=4)),
    ('eurobert', 'EuroBert', 'ForMaskedLM', 'tied', euro(tie_word_embeddings=True, mlp_bias=True, attention_bias=True), {}),
    ('eurobert', 'EuroBert', 'ForSequenceClassification', 'bos', euro(classifier_pooling='bos', head_dim=6, hidden_act='gelu'), {}),
    ('eurobert', 'EuroBert', 'ForSequenceClassification', 'mean', euro(classifier_pooling='mean'), {}),
    ('distilbert', 'DistilBert', 'ForMaskedLM', 'sines', DISTIL | dict(sinusoidal_pos_embds=True), {}),
    ('electra', 'Electra', 'ForMultipleChoice', 'unprojected', bertlike(embedding_size=8, summary_use_proj=False, summary_activation='tanh', summary_last_dropout=0.0), {}),
    ('deberta-v2', 'DebertaV2', 'ForMaskedLM', 'edge', deberta(max_relative_positions=5, pos_att_type=['p2c', 'c2p']), {}),
]


def randomise(model, g):
    for name, p in model.named_parameters():
        r = torch.randn(p.shape, generator=g)
        if p.dim() == 1: p.data = 1 + 0.2 * r if ('norm' in name.lower() or '.ln.' in name) and name.endswith('weight') else 0.2 * r
        elif 'position_embeddings' in name and not p.requires_grad: pass
        else: p.data = 0.25 * r
    model.tie_weights()


def inputs_for(model, head, g, config, left=False, empty=False, positions=False, cross=False, tasks=0, older=False):
    B, S = 3, 11
    pad = config.pad_token_id if config.pad_token_id is not None else 0
    ids = torch.randint(5, VOCAB, (B, S), generator=g)
    mask = torch.zeros(B, S, dtype=torch.long)
    for row, n in enumerate((S, 7, 0 if empty else 4)):
        mask[row, S - n if left else 0:S if left else n] = 1
    ids = torch.where(mask == 1, ids, pad)
    kw = dict(input_ids=ids, attention_mask=mask)
    if 'token_type_ids' in inspect.signature(model.forward).parameters and getattr(config, 'type_vocab_size', 0) > 1:
        kw['token_type_ids'] = torch.randint(0, config.type_vocab_size, (B, S), generator=g)
    if positions: kw['position_ids'] = torch.randint(0, POS, (B, S), generator=g)
    if tasks: kw['task_type_ids'] = torch.randint(0, tasks, (B, S), generator=g)
    if cross:
        kw['encoder_hidden_states'] = torch.randn(B, 6, H, generator=g)
        kw['encoder_attention_mask'] = torch.tensor([[1] * 6, [1] * 4 + [0] * 2, [1] + [0] * 5])
    if head == 'ForMultipleChoice':
        for k in list(kw): kw[k] = torch.stack([kw[k], kw[k].flip(0)], 1)
        kw['labels'] = torch.tensor([0, 1, 1])
    if head == 'ForMaskedLM': kw['labels'] = torch.where((torch.rand(B, S, generator=g) < .4) & (mask == 1), ids, -100); kw['labels'][0, 0] = ids[0, 0]
    if head == 'ForCausalLM': kw['labels'] = torch.where(mask == 1, ids, -100)
    if head == 'ForSequenceClassification': kw['labels'] = torch.tensor([0, 1, 1])
    if head == 'ForQuestionAnswering': kw['start_positions'], kw['end_positions'] = torch.tensor([1, 20, 0]), torch.tensor([4, 6, 3])
    return kw


def flatten(output):
    flat = {}
    for k, v in output.items():
        if isinstance(v, torch.Tensor): flat[k] = v
        elif isinstance(v, (tuple, list)) and k in ('hidden_states', 'attentions', 'cross_attentions'):
            flat |= {f'{k}.{i}': t for i, t in enumerate(v) if t is not None}
    return flat


def one(out, seed, family, prefix, head, tag, config_kw, how):
    cls = getattr(transformers, prefix + head)
    g = torch.Generator().manual_seed(seed)
    config = cls.config_class(**config_kw)
    config._attn_implementation = 'eager'
    model = cls(config)
    randomise(model, g)
    model.train()
    kw = inputs_for(model, head, g, config, **how)
    result = model(**kw, output_hidden_states=True, output_attentions=True, return_dict=True, **(dict(use_cache=False) if how.get('cross') else {}))
    loss, grads = result.get('loss'), {}
    if loss is not None:
        loss.backward()
        grads = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    folder = out / f'{family}.{head}.{tag}'
    if folder.exists(): shutil.rmtree(folder)
    model.save_pretrained(folder)
    if how.get('older'):
        # The spelling of the published ModernBERT.
        path = folder / 'config.json'
        said = json.loads(path.read_text())
        rope = said.pop('rope_parameters'); said.pop('layer_types')
        said |= dict(global_rope_theta=rope['full_attention']['rope_theta'], local_rope_theta=rope['sliding_attention']['rope_theta'], global_attn_every_n_layers=3)
        path.write_text(json.dumps(said, indent=2) + '\n')
    tensors = {f'in.{k}': v for k, v in kw.items()} | {f'out.{k}': v.detach() for k, v in flatten(result).items()} | {f'grad.{k}': v for k, v in grads.items()}
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, folder / 'case.safetensors')
    meta = dict(family=family, model_class=cls.__name__, seed=seed, size=0, atol=2e-5, rtol=1e-4, torch=torch.__version__,
                transformers=transformers.__version__, has_grads=bool(grads))
    (folder / 'case.json').write_text(json.dumps(meta, indent=1) + '\n')
    (folder / 'generation_config.json').unlink(missing_ok=True)
    return folder.name


if __name__ == '__main__':
    a = argparse.ArgumentParser()
    a.add_argument('--out', default='../cases')
    a.add_argument('--seed', type=int, default=3)
    a = a.parse_args()
    for i, variant in enumerate(VARIANTS):
        try: print(one(pathlib.Path(a.out), a.seed * 1000 + i, *variant))
        except Exception as e: print(f'!! {variant[:4]}: {type(e).__name__}: {str(e)[:300]}')
