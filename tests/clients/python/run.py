"""
Runs behaviours of clients. Each line of input is a JSON array of a client, a behaviour, the model,
the question and the environment; each line of output is the result, or the error.
"""

import importlib
import json
import os
import sys
import traceback

for line in sys.stdin:
    client, behaviour, model, question, environment = json.loads(line)
    os.environ.update(environment)
    try:
        # Loaded anew, since a client reads the environment when it is loaded.
        module = importlib.import_module(client)
        result = getattr(importlib.reload(module), behaviour)(model, question)
        print(json.dumps({"result": result}), flush=True)
    except Exception:
        print(json.dumps({"error": traceback.format_exc()}), flush=True)
