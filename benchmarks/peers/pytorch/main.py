"""PyTorch as a contestant: `python3 main.py <threads>`."""
import json, sys

try:
    import torch

    from bert import BertForward
    from protocol import serve
    from seed import TrainStep
except ImportError as error:
    print(json.dumps({'error': f'{error}: pip install torch==2.13.0, and name the Python in STRIDED_BENCH_PYTHON'}))
    sys.exit(0)

torch.set_num_threads(int(sys.argv[1]))
problems = {'train-step': TrainStep, 'bert-forward': BertForward}
serve(lambda problem: problems[problem['op']](problem) if problem['op'] in problems else None)
