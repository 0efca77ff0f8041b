#!/usr/bin/env python3
"""Opens in transformers what Strided saved, and compares: keys are complete, outputs identical to those of the original.

  pip install torch==2.13.0 transformers==5.18.0
  python check_saved.py [--cases ../cases]
"""
import argparse, json, pathlib, subprocess, tempfile
import torch, transformers
from safetensors.torch import load_file

transformers.logging.set_verbosity_error()
here = pathlib.Path(__file__).resolve().parent
a = argparse.ArgumentParser()
a.add_argument('--cases', default=here.parent / 'cases', type=pathlib.Path)
a = a.parse_args()
failed = skipped = 0
with tempfile.TemporaryDirectory() as target:
    subprocess.run(['node', '--conditions=strided-source', here / 'save.ts', a.cases.resolve(), target], check=True, cwd=here)
    folders = sorted(pathlib.Path(target).iterdir())
    for folder in folders:
        original = a.cases / folder.name
        meta = json.loads((original / 'case.json').read_text())
        cls = getattr(transformers, meta['model_class'])
        kw = {k[3:]: v for k, v in load_file(original / 'case.safetensors').items() if k.startswith('in.')}
        results, faults = [], []
        try: cls.from_pretrained(original)
        except AttributeError as e:
            # transformers 5.18 cannot load DeBERTa's newer head, not even what it saved itself.
            print(f'-- {folder.name}: transformers does not open its own ({e})'); skipped += 1
            continue
        for place in (original, folder):
            model, info = cls.from_pretrained(place, attn_implementation='eager', output_loading_info=True)
            model.eval()
            if place == folder: faults += [f'{k}: {sorted(v)[:3]}' for k, v in info.items() if v]
            with torch.no_grad(): results.append({k: v for k, v in model(**kw, return_dict=True).items() if isinstance(v, torch.Tensor)})
        before, after = results
        faults += [f'{k} differs' for k in before if k not in after or not torch.equal(before[k], after[k])]
        if faults: failed += 1; print(f'!! {folder.name}: {"; ".join(faults)}')
print(f'{len(folders) - failed - skipped} of {len(folders) - skipped} saved models open in transformers {transformers.__version__} with identical outputs')
raise SystemExit(failed > 0)
