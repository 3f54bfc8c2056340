"""llama.cpp's own HTTP server, from its Python wheel: server.py MODEL PORT SLOTS. Ends when its stdin does."""

import os
import sys

import xllamacpp

model, port, slots = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
params = xllamacpp.CommonParams()
params.model.path = model
params.hostnames = ["127.0.0.1"]
params.port = port
params.n_parallel = slots
params.n_ctx = 1024 * slots
params.endpoint_slots = True
# More threads than cores only wait for each other where tests share a machine.
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
print("listening", flush=True)
sys.stdin.read()
os._exit(0)
