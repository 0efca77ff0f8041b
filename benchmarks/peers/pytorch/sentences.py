"""sentence-transformers as a contestant: `python3 sentences.py <threads>`."""
import json, sys

try:
    import torch
    from sentence_transformers import SentenceTransformer

    from protocol import serve
except ImportError as error:
    print(json.dumps({'error': f'{error}: pip install sentence-transformers torch==2.13.0, and name the Python in STRIDED_BENCH_PYTHON'}))
    sys.exit(0)

models = {}


class Embed:
    """Embeddings of unit length, in the order of the texts."""
    def __init__(self, problem):
        folder = problem['folder']
        if folder not in models:
            models[folder] = SentenceTransformer(folder, device='cpu').eval()
        self.model, self.texts, self.batch = models[folder], problem['texts'], problem['batch']

    def run(self):
        return self.model.encode(self.texts, batch_size=self.batch, convert_to_tensor=True, show_progress_bar=False)

    def numbers(self):
        return self.run()


torch.set_num_threads(int(sys.argv[1]))
serve(lambda problem: Embed(problem) if problem['op'] == 'embed' else None)
