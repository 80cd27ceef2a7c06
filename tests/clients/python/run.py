"""Runs a behaviour of a client and prints what it returns: run.py CLIENT BEHAVIOUR MODEL QUESTION."""

import importlib
import json
import sys

client, behaviour, model, question = sys.argv[1:]
print(json.dumps(getattr(importlib.import_module(client), behaviour)(model, question)))
