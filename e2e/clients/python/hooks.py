"""What schemathesis has to know of Vouchsafe: how a request is signed in, and what must stay as it is.

The environment names the server (ISSUER), the app and its secret (APP), owners with their password (OWNERS) and the
file for what was answered (ANSWERS)."""

import atexit
import base64
import collections
import json
import os
import threading
import urllib.request

import schemathesis

issuer = os.environ["ISSUER"]
app, secret = os.environ["APP"].split(" ")
owners = json.loads(os.environ["OWNERS"])
lock = threading.Lock()
token = None


def sign_in():
    """Returns an access token of the first owner who can still sign in: requests may have changed an owner."""
    for login, password in owners:
        body = json.dumps({"login": login, "password": password}).encode()
        request = urllib.request.Request(issuer + "/auth/sign-in", body, {
            "Content-Type": "application/json",
            "Authorization": "Basic " + base64.b64encode(f"{app}:{secret}".encode()).decode()})
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)["access_token"]
        except urllib.error.HTTPError as refused:
            print(login, "can't sign in:", refused.read().decode())
    raise SystemExit("no owner can sign in any more")


@schemathesis.auth(cache_by_key=lambda case, context: token)
class Owner:
    """Owner authenticates requests as the document says: as an owner, or as the app."""

    def get(self, case, context):
        global token
        with lock:
            if token is None:
                token = sign_in()
            return token

    def set(self, case, data, context):
        security = case.operation.definition.raw.get("security", [])
        if any("accessToken" in way for way in security):
            case.headers["Authorization"] = "Bearer " + data
        elif security:
            case.headers["Authorization"] = "Basic " + base64.b64encode(f"{app}:{secret}".encode()).decode()


@schemathesis.hook
def filter_case(context, case):
    """Keeps requests from turning the server off for all that come after them."""
    if any(name.lower() == "host" for name in case.headers or {}):
        return False  # what is no host is refused before the API has the request
    body = case.body if isinstance(case.body, dict) else {}
    return not (case.operation.path.startswith("/api/v1/tenant") and (body.get("disabled") or body.get("host")))


answers = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    """Counts the answer, and signs in anew if the token is not good any more."""
    global token
    name = case.operation.definition.raw.get("operationId", "")
    with lock:
        answers[name][str(response.status_code)] += 1
        sent = response.request.headers.get("Authorization", "")
        if response.status_code == 401 and token and sent == "Bearer " + token:
            token = None


@atexit.register
def write():
    with open(os.environ["ANSWERS"], "w") as file:
        json.dump(answers, file)
