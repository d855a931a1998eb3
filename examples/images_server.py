"""An images endpoint in the form of OpenAI's, on this machine, drawn by a limn model; it declines castles.

python examples/images_server.py 8765 emoji
"""

import base64
import io
import json
import os
import random
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import limn

KEY = os.environ.get("OPENAI_API_KEY", "secret")
model = limn.load(sys.argv[2] if len(sys.argv) > 2 else "emoji")


class Images(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = 400, {"error": {"code": "moderation_blocked", "message": "no castles"}}
        if self.headers["Authorization"] != f"Bearer {KEY}":
            status, answer = 401, {"error": {"code": "invalid_api_key", "message": "wrong key"}}
        elif "castle" not in asked["prompt"]:
            file = io.BytesIO()
            model.generate(asked["prompt"], seed=random.randrange(2**31))[0].image.save(file, "PNG")
            status, answer = 200, {"data": [{"b64_json": base64.b64encode(file.getvalue()).decode()}]}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


with HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Images) as server:
    print(f"export OPENAI_BASE_URL=http://127.0.0.1:{server.server_port}/v1 OPENAI_API_KEY={KEY}", flush=True)
    if len(sys.argv) > 1:
        server.serve_forever()
