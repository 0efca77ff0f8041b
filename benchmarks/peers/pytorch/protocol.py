"""Answers a bench, one JSON object a line; benchmarks/harness/remote.ts says what is spoken."""
import base64, json, resource, sys, time

import torch


def peak_memory():
    """Bytes. The system's own figure begins with the parent's; Linux knows better."""
    try:
        with open('/proc/self/status') as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith('VmHWM:'))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(run, duration, slow):
    """Nanoseconds of each run, after one that is not counted: in a slow one that would change nothing."""
    if not slow:
        run()
    samples, begin = [], time.perf_counter_ns()
    while not samples or time.perf_counter_ns() - begin < duration:
        before = time.perf_counter_ns()
        run()
        samples.append(time.perf_counter_ns() - before)
    return samples


def serve(prepare):
    """`prepare(problem)` gives an object with run() and numbers(), or None for what it cannot compute."""
    answers, sys.stdout = sys.stdout, sys.stderr

    def say(message):
        answers.write(json.dumps(message) + '\n')
        answers.flush()

    encode = lambda numbers: base64.b64encode(numbers.detach().to(torch.float32).contiguous().numpy().tobytes()).decode()
    racer, prepared, slow = None, None, False
    say({'ready': True})
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question['do'] == 'prepare':
                racer = prepare(question['problem'])
                if racer is not None:
                    begin = time.perf_counter()
                    prepared = racer.numbers()
                    slow = time.perf_counter() - begin > 0.5
                say({'able': racer is not None})
            elif question['do'] == 'numbers':
                say({'numbers': encode(racer.numbers() if prepared is None else prepared)})
                prepared = None
            elif question['do'] == 'round':
                say({'samples': measure(racer.run, question['duration'], slow)})
            else:
                say({'bytes': peak_memory()})
        except Exception as error:  # the bench names it and goes on without
            say({'error': f'{type(error).__name__}: {error}'})
