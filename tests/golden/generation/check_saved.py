#!/usr/bin/env python3
"""Opens in transformers the encoder–decoder pairs that Strided made of two checkpoints and saved, and compares: keys are
complete, logits, loss and greedy tokens are the same.

  pip install torch==2.13.0 transformers==5.23.0
  python check_saved.py [--cases ../cases]
"""
import argparse, json, pathlib, subprocess, tempfile
import torch, transformers

transformers.logging.set_verbosity_error()
here = pathlib.Path(__file__).resolve().parent
a = argparse.ArgumentParser()
a.add_argument('--cases', default=here.parent / 'cases', type=pathlib.Path)
a = a.parse_args()
failed = 0
with tempfile.TemporaryDirectory() as target:
    subprocess.run(['node', '--conditions=strided-source', here / 'assemble.ts', a.cases.resolve(), target], check=True, cwd=here)
    folders = sorted(pathlib.Path(target).iterdir())
    for folder in folders:
        said = json.loads((folder / 'computed.json').read_text())
        model, info = transformers.EncoderDecoderModel.from_pretrained(folder, output_loading_info=True)
        model.eval()
        kw = {k: torch.tensor(said[k]) for k in ('input_ids', 'attention_mask')}
        with torch.no_grad(): out = model(**kw, labels=torch.tensor(said['labels']))
        faults = [f'{k}: {sorted(v)[:3]}' for k, v in info.items() if v]
        if (error := (out.logits - torch.tensor(said['logits'])).abs().max().item()) > 1e-4: faults.append(f'logits differ by {error}')
        if abs(out.loss.item() - said['loss']) > 1e-5: faults.append('the loss differs')
        sequences = model.generate(**kw, eos_token_id=None, max_new_tokens=12, do_sample=False)
        if sequences.tolist() != said['sequences']: faults.append('tokens differ')
        if not all('crossattention' in k or 'pooler' in k or 'cls' in k or 'enc_to_dec' in k for k in said['initialized']): faults.append(f'drawn: {said["initialized"]}')
        if faults: failed += 1; print(f'!! {folder.name}: {"; ".join(faults)}')
        else: print(f'{folder.name}: logits to {error:.1e}')
print(f'{len(folders) - failed} of {len(folders)} pairs open in transformers {transformers.__version__}')
raise SystemExit(failed > 0)
