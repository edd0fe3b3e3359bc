"""The page as a program sees it: raw HTTP and gradio_client, without a browser."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest
from gradio_client import Client, handle_file

from floorseg.core import rle
from floorseg.settings import PROJECT
from tests.page_server import draw_plan, page_settings, serve


@dataclass
class Caller:
    """Calls the page's own endpoints as its script does."""

    url: str
    session: str = "session-1"
    tab: str = "segment"

    def __post_init__(self) -> None:
        config = httpx.get(f"{self.url}config").json()
        self.component = next(
            c["id"] for c in config["components"] if c["props"].get("elem_id") == self.tab
        )

    def raw(self, name: str, payload) -> httpx.Response:
        body = {"data": [payload], "component_id": self.component, "fn_name": name}
        return httpx.post(
            f"{self.url}gradio_api/component_server/",
            json=body | {"session_hash": self.session},
            timeout=60,
        )

    def __call__(self, name: str, payload) -> dict:
        answer = self.raw(name, payload)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def open(self, file) -> dict:
        with file.open("rb") as content:
            sent = httpx.post(f"{self.url}gradio_api/upload", files={"files": content}).json()
        return self("open_plan", {"path": sent[0], "name": file.name})


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """A page for strangers."""
    folder = tmp_path_factory.mktemp("public")
    with serve(page_settings(folder, public=True, max_upload_mb=1)) as page:
        yield page


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return draw_plan(tmp_path_factory.mktemp("plan") / "rooms.png")


def test_the_public_page_refuses_to_write_also_by_a_raw_call(public, plan):
    call = Caller(public.url)
    opened = call.open(plan)

    answer = call.raw("add_to_dataset", {"plan": opened["plan"], "regions": [], "dataset": "x"})

    assert answer.status_code == 403
    assert "public" in answer.json()["detail"]
    assert not public.settings.data_root.exists()


def test_the_public_page_names_no_folder_of_its_server(public):
    told = Caller(public.url)("hello", {})

    assert told["datasets"] == []
    assert told["may_add"] is False
    assert str(public.settings.checkpoints) not in str(told)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "checkpoints/README.md", "\0"])
def test_no_file_of_the_server_can_be_opened_as_a_plan(public, path):
    answer = Caller(public.url)("open_plan", {"path": path, "name": "x.png"})

    assert "did not arrive" in answer["error"]


def test_an_upload_is_gone_from_the_disk_once_it_is_open(public, plan):
    call = Caller(public.url)
    with plan.open("rb") as content:
        [path] = httpx.post(f"{public.url}gradio_api/upload", files={"files": content}).json()

    call("open_plan", {"path": path, "name": "a.png"})

    assert "did not arrive" in call("open_plan", {"path": path, "name": "a.png"})["error"]


def test_uploads_and_other_bodies_are_bounded(public):
    big = b"x" * 3_000_000

    upload = httpx.post(f"{public.url}gradio_api/upload", files={"files": ("a.png", big)})
    other = httpx.post(f"{public.url}gradio_api/component_server/", content=big)

    assert upload.status_code == 413
    assert other.status_code == 413


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("segment", {}),
        ("segment", {"plan": "x", "checkpoint": "y", "points": "no"}),
        ("segment", {"plan": "x", "checkpoint": "y", "points": [[1e9, 0, 1]]}),
        ("segment", []),
        ("export", {"plan": "x"}),
        ("search_state", {"search": "x"}),
        ("open_example", {"name": "../../etc/passwd"}),
    ],
)
def test_nonsense_is_answered_by_a_sentence(public, name, payload):
    answer = Caller(public.url)(name, payload)

    assert answer["error"]
    assert "Traceback" not in answer["error"]


REFUSED = {  # by tab: what reads folders of the server or writes there
    "segment": ["add_to_dataset"],
    "compare": ["open_sample", "splits", "scan"],
    "datasets": [
        "open_dataset", "overview", "gallery", "thumbnails", "sample", "annotation", "findings",
        "findings_file", "check", "mend", "convert", "draw",
    ],
    "evaluate": [
        "splits_of", "plan_evaluation", "start_evaluation", "stop_evaluation",
        "resume_evaluation", "delete_evaluation", "gallery_of", "export_all",
    ],
}  # fmt: skip
ASKED = {  # what they want to know, all together
    "plan": "x", "regions": [], "name": "x", "dataset": "x", "split": "test", "row": 0, "place": 0,
    "rows": [0], "target": "y", "to": "coco", "images": 5, "checkpoints": ["a", "b"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("tab", "name"), [(tab, name) for tab, names in REFUSED.items() for name in names]
)
def test_a_raw_call_of_what_strangers_may_not_do_is_refused(public, tab, name):
    answer = Caller(public.url, tab=tab).raw(name, ASKED)

    assert answer.status_code == 403
    assert "public" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["stopped", "resumed", "duplicated", "evaluated", "deleted"])
def test_a_raw_call_of_the_train_tab_is_refused(public, name):
    config = httpx.get(f"{public.url}config").json()
    [event] = [event for event in config["dependencies"] if event["api_name"] == name]
    body = {"data": [None] * len(event["inputs"]), "session_hash": "stranger"}

    answer = httpx.post(f"{public.url}gradio_api/run/{name}", json=body, timeout=60)

    assert answer.status_code >= 400
    assert "this page is public" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/etc/passwd", "README.md", "checkpoints/README.md"])
def test_no_file_of_the_server_is_served(public, path):
    assert httpx.get(f"{public.url}gradio_api/file={path}").status_code == 403


def test_twenty_visitors_on_plans_of_their_own_each_get_their_masks_while_one_searches(
    public, tmp_path
):
    rooms = [(160, 240), (470, 130), (470, 360), (100, 100)]
    name = public.settings.checkpoint
    callers = [Caller(public.url, f"visitor-{i}") for i in range(20)]
    plans = [draw_plan(tmp_path / f"{i}.png", (640 + 8 * i, 480)) for i in range(20)]
    tokens = [call.open(file)["plan"] for call, file in zip(callers, plans, strict=True)]

    def ask(number: int) -> list:
        payload = {"plan": tokens[number], "checkpoint": name}
        return [
            callers[number]("segment", payload | {"points": [[x, y, 1]]})["candidates"]
            for x, y in rooms
        ]

    alone = [ask(number) for number in range(20)]
    wanted = {"plan": tokens[0], "checkpoint": name, "preset": "details"}
    search = callers[0]("start_search", wanted)
    with ThreadPoolExecutor(20) as pool:
        together = list(pool.map(ask, range(20)))
    callers[0]("stop_search", search)

    assert len({str(answer) for answer in alone}) == 20
    assert together == alone


def test_what_a_visitor_held_is_forgotten_when_the_page_is_closed(public, plan):
    call = Caller(public.url, "leaving")
    with httpx.stream("GET", f"{public.url}gradio_api/heartbeat/leaving") as line:
        alive = line.iter_raw()  # held: the line is closed with it
        next(alive)
        opened = call.open(plan)
        asked = {
            "plan": opened["plan"], "checkpoint": public.settings.checkpoint,
            "points": [[160, 240, 1]],
        }  # fmt: skip
        assert call("segment", asked)["candidates"]

    waiting = threading.Event()
    while public.segmenter.plans.holds(opened["plan"]):
        waiting.wait(0.1)

    assert call("segment", asked)["kind"] == "PlanGone"


def test_a_program_lists_checkpoints_and_segments(public, plan):
    client = Client(public.url, verbose=False)
    [checkpoint] = client.predict(api_name="/list_checkpoints")

    found = client.predict(
        plan=handle_file(str(plan)), points=[[160, 240, 1]], box=None,
        checkpoint=checkpoint["name"], api_name="/segment",
    )  # fmt: skip

    assert (found["width"], found["height"]) == (640, 480)
    assert len(found["masks"]) == 3
    assert rle.area(found["masks"][0]["segmentation"]) == found["masks"][0]["area"]


def test_the_example_of_the_readme_runs_as_it_stands(public, capsys):
    [text] = re.findall(
        r"```python\n(from gradio_client.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL
    )
    text = text.replace("http://127.0.0.1:7860", public.url)
    text = text.replace("floorseg/ui", str(PROJECT / "floorseg/ui"))

    exec(text, {})

    score, box = capsys.readouterr().out.splitlines()[-1].split(" ", 1)
    assert 0 <= float(score) <= 1
    assert len(json.loads(box)) == 4


def test_a_program_segments_everything(public, plan):
    client = Client(public.url, verbose=False)

    found = client.predict(
        plan=handle_file(str(plan)), preset="rooms",
        checkpoint=public.settings.checkpoint, api_name="/everything",
    )  # fmt: skip

    assert found["width"] == 640
    assert isinstance(found["masks"], list)


def test_only_the_three_documented_endpoints_are_public(public):
    info = Client(public.url, verbose=False).view_api(return_format="dict", print_info=False)

    assert set(info["named_endpoints"]) == {"/segment", "/everything", "/list_checkpoints"}


def test_with_accounts_nothing_answers_without_a_password(tmp_path):
    settings = page_settings(tmp_path, auth_user="anna", auth_password="secret")
    with serve(settings) as page:
        url = page.url
        bare = httpx.post(f"{url}gradio_api/component_server/", json={"data": []})
        config = httpx.get(f"{url}config")
        login = httpx.post(f"{url}login", data={"username": "anna", "password": "secret"})

    assert bare.status_code == 401
    assert config.status_code == 401
    assert login.status_code == 200


def test_behind_a_prefix_the_page_points_to_itself_there(tmp_path):
    with serve(page_settings(tmp_path, root_path="/plans")) as page:
        config = httpx.get(f"{page.url}config").json()

    assert config["root"].endswith("/plans")
