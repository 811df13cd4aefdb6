"""The page in a real Chromium, on a search without models."""

import io
import re
import shutil
from collections.abc import Iterator

import pytest
from PIL import Image

from benchmarks.demo.measure import served
from fitrank_tf.demo.app import demo_app
from fitrank_tf.demo.judgments import JudgmentFiles
from fitrank_tf.demo.photos import ProductPhotos
from fitrank_tf.evaluation.trec import read_qrels, read_queries
from tests.demo.toy import ODD_TITLES, SYSTEMS, ToySearch

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: apt-get install chromium"
)
expect = playwright.expect
DESKTOP, PHONE = (1280, 800), (360, 740)


@pytest.fixture(scope="module")
def toy() -> ToySearch:
    return ToySearch()


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return tmp_path_factory.mktemp("judgments")


@pytest.fixture(scope="module")
def address(toy, judged) -> Iterator[str]:
    """Of the page, served in a thread of this process."""
    app = demo_app(toy, ProductPhotos(toy.photos), JudgmentFiles(judged))
    with served(app) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens the page at an address; fails a test whose page logs an error."""
    contexts, faults = [], []

    def opened(query: str = "", size: tuple[int, int] = DESKTOP, **options):
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: _note(faults, line))
        page.goto(address + query)
        expect(page.locator("#count")).not_to_be_empty()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def _note(faults: list[str], line) -> None:
    # Chromium says of each 400 that it is one; what the page makes of it is tested.
    if line.type == "error" and "status of 4" not in line.text:
        faults.append(line.text)


def _titles(page) -> list[str]:
    return page.locator(".card h3").all_text_contents()


def _type(page, text: str) -> None:
    page.locator("#q").press_sequentially(text, delay=15)
    expect(page).to_have_url(re.compile(r"[?&]q="))
    _settled(page)


def _settled(page) -> None:
    """Waits until nothing is searched for any more."""
    page.wait_for_timeout(120)
    expect(page.locator("#columns")).to_have_attribute("aria-busy", "false")


def _photo(kind: str = "PNG") -> bytes:
    encoded = io.BytesIO()
    Image.new("RGB", (60, 80), (190, 20, 30)).save(encoded, kind)
    return encoded.getvalue()


def test_results_come_as_one_types(open_page, toy) -> None:
    page = open_page()
    before = len(toy.asked)
    _type(page, "brown jackets")
    first = _titles(page)[0].lower()
    assert "brown" in first and "jackets" in first
    expect(page.locator("#count")).to_have_text("Best 24 of 40 products")
    expect(page.locator(".chip")).to_have_count(2)
    # Of the searches of every key press most were never made.
    assert (
        len(toy.asked) - before < len("brown jackets") and toy.asked[-1] == "brown jackets"
    )
    bar = page.locator(".card").first.locator(".bars li")
    assert bar.all_text_contents() == ["article type+1.50", "colour−0.25"]


def test_a_stale_answer_is_not_shown(open_page) -> None:
    page = open_page()
    held = []
    page.route(re.compile(r"api/search\?q=red&"), lambda route: held.append(route))
    page.locator("#q").fill("red")
    while not held:
        page.wait_for_timeout(10)
    page.locator("#q").fill("blue")
    expect(page.locator(".chip .value")).to_have_text("Blue")
    held[0].continue_()
    page.wait_for_timeout(200)
    expect(page.locator(".chip .value")).to_have_text("Blue")


def test_filters_narrow_the_results_and_count_the_rest(open_page, toy) -> None:
    page = open_page("?q=jackets")
    group = page.locator(".group[data-name=gender]")
    women = toy.attributes["gender"].count("Women")
    row = group.locator("li", has_text=re.compile("^Women"))
    expect(row.locator(".counter")).to_have_text(str(women))
    row.get_by_role("checkbox").check()
    assert women < 24
    expect(page.locator("#count")).to_have_text(
        f"Best {min(24, women)} of {women} products"
    )
    page.get_by_label("price from").fill("15")
    page.get_by_label("price to").fill("20")
    page.get_by_label("price to").press("Enter")
    both = [
        gender == "Women" and 15 <= int(price) <= 20
        for gender, price in zip(toy.attributes["gender"], toy.attributes["price"])
    ]
    expect(page.locator("#count")).to_have_text(f"Best {sum(both)} of {sum(both)} products")
    # A value's count is of the products that the other filter leaves.
    cheap = [15 <= int(price) <= 20 for price in toy.attributes["price"]]
    boys = sum(c and g == "Boys" for c, g in zip(cheap, toy.attributes["gender"]))
    row = group.locator("li", has_text=re.compile("^Boys"))
    expect(row.locator(".counter")).to_have_text(str(boys))
    assert "filter.gender=Women" in page.url and "filter.price=15..20" in page.url


def test_a_value_with_a_bar_is_one_value(open_page, toy) -> None:
    page = open_page()
    page.locator(".group[data-name=sizes] summary").click()
    page.get_by_role("checkbox", name="M|L").check()
    expect(page.locator("#count")).to_have_text("13 products")
    expect(page.locator(".chip.filter .value")).to_have_text("M|L")
    page.reload()
    expect(page.locator("#count")).to_have_text("13 products")


def test_a_chip_is_removed(open_page) -> None:
    page = open_page("?q=jackets%2C+not+red&filter.gender=Women")
    expect(page.locator(".chip")).to_have_count(3)
    page.get_by_role("button", name="Remove not colour Red").click()
    expect(page.locator("#q")).to_have_value("jackets")
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_role("button", name="Remove gender Women").click()
    expect(page.locator(".chip")).to_have_count(1)
    assert "filter" not in page.url


def test_a_photo_is_chosen_and_changed_by_a_text(open_page) -> None:
    page = open_page("?q=jackets")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Search by a photo").click()
    chooser.value.set_files({"name": "x.png", "mimeType": "image/png", "buffer": _photo()})
    pill = page.locator("#photo-shown")
    expect(pill).to_be_visible()
    expect(pill).to_have_js_property("naturalWidth", 60)
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#compare")).to_be_disabled()
    _type(page, "in blue")
    expect(pill).to_be_visible()
    page.reload()
    expect(pill).to_be_visible()
    expect(page.locator("#q")).to_have_value("in blue")
    page.get_by_role("button", name="Remove the photo").click()
    expect(pill).to_be_hidden()


# Drops a file, or pastes it, as [event, its first bytes, its size] say.
_GIVE_FILE = """([event, start, size]) => {
  const bytes = new Uint8Array(size);
  bytes.set(start);
  const data = new DataTransfer();
  data.items.add(new File([bytes], "x.png", {type: "image/png"}));
  document.body.dispatchEvent(event === "paste"
    ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true})
    : new DragEvent("drop", {dataTransfer: data, bubbles: true}));
}"""


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photo_is_dropped_or_pasted(open_page, event: str) -> None:
    page = open_page()
    photo = list(_photo())
    page.evaluate(_GIVE_FILE, [event, photo, len(photo)])
    expect(page.locator("#photo-shown")).to_be_visible()


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (1000, "photo: unreadable image; choose an image file that opens"),
        (10 * 2**20 + 1, "photo: more than 10 MB; send a smaller one"),
    ],
)
def test_what_is_no_photo_is_said(open_page, size: int, message: str) -> None:
    page = open_page()
    page.evaluate(_GIVE_FILE, ["drop", list(b"<svg onload=alert(1)>"), size])
    expect(page.get_by_role("alert")).to_have_text(message)
    _type(page, "red")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_products_like_one_of_the_results(open_page) -> None:
    page = open_page("?q=jackets")
    card = page.locator(".card").nth(3)
    title = card.locator("h3").text_content()
    card.get_by_role("button", name="More like this").click()
    expect(page.locator("#photo-shown")).to_be_visible()
    expect(page.locator(".card h3").first).to_have_text(title)
    expect(page.locator("#q")).to_be_focused()


def test_systems_are_compared(open_page) -> None:
    page = open_page("?q=brown+jackets")
    page.get_by_role("button", name="Compare systems").click()
    expect(page.locator(".column h2")).to_have_count(3)
    headings = page.locator(".column h2").all_text_contents()
    assert headings == [f"{name}what {name} does" for name in reversed(SYSTEMS)]
    expect(page.get_by_role("button", name="Compare")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.locator(".column").last.locator(".card").first.hover()
    assert page.locator(".card.same").count() >= 1
    page.get_by_role("button", name="Compare systems").click()
    expect(page.locator(".column h2")).to_have_count(0)


def test_thumbs_are_kept_replaced_and_taken_back(open_page, judged) -> None:
    page = open_page("?q=blue+dress")
    card = page.locator(".card").nth(1)
    product = card.get_attribute("data-id")
    good = card.get_by_role("button", name="Good result")
    bad = card.get_by_role("button", name="Bad result")

    def kept() -> dict[str, int]:
        queries = read_queries(judged / "queries.tsv")
        [query] = [key for key, text in queries.items() if text == "blue dress"]
        return read_qrels(judged / "judgments.qrels")[query]

    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    assert kept() == {product: 1}
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    expect(good).to_have_attribute("aria-pressed", "false")
    assert kept() == {product: 0}
    page.reload()
    expect(bad).to_have_attribute("aria-pressed", "true")
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "false")


def test_the_keyboard_is_enough(open_page) -> None:
    page = open_page()
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("brown jackets")
    _settled(page)
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_be_focused()
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("aria-label", re.compile("^Remove"))
    assert focused.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(1)
    # The focus is on the chip that is left, then on the box.
    expect(page.locator(":focus")).to_have_attribute("aria-label", re.compile("^Remove"))
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("jackets")
    _settled(page)
    for _ in range(60):
        page.keyboard.press("Tab")
        if (page.locator(":focus").get_attribute("aria-label") or "").startswith("Good"):
            break
    page.keyboard.press("Space")
    expect(page.locator(":focus")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    expect(page.locator(":focus")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()


def test_the_address_is_the_state(open_page) -> None:
    page = open_page()
    _type(page, "brown jackets")
    page.get_by_role("checkbox", name="Women").check()
    expect(page.locator(".chip.filter")).to_have_count(1)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".column h2")).to_have_count(3)
    shared = page.url
    page.go_back()
    expect(page.locator(".column h2")).to_have_count(0)
    page.go_back()
    expect(page.locator(".chip.filter")).to_have_count(0)
    expect(page.locator("#q")).to_have_value("brown jackets")
    page.go_back()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#start")).to_be_visible()
    page.go_forward()
    expect(page.locator("#q")).to_have_value("brown jackets")
    again = open_page(shared.partition("/?")[2].join(["?", ""]))
    expect(again.locator(".column h2")).to_have_count(3)
    expect(again.get_by_role("checkbox", name="Women")).to_be_checked()


@pytest.mark.parametrize("title", ODD_TITLES)
def test_titles_are_shown_as_text(open_page, title: str) -> None:
    page = open_page()
    page.locator("#q").fill(title)
    _settled(page)
    assert title in _titles(page)
    assert page.title() == f"{title} – FitRank"
    assert page.locator(".card script, .card b, .card img[src=x]").count() == 0
    photos = page.locator(".card img")
    assert all(
        photos.nth(n).evaluate("image => image.decode().then(() => true)") for n in range(4)
    )


@pytest.mark.parametrize(
    "query", ["", "?q=brown+jackets&compare=", "?like=a%2Fb+c%3Fd%23e%26f"]
)
def test_a_phone_needs_no_sideways_scrolling(open_page, query: str) -> None:
    page = open_page(query, PHONE, has_touch=True, is_mobile=True)
    _settled(page)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == PHONE[0]
    page.locator("#filters-panel > summary").click()
    expect(page.locator(".group").first).to_be_visible()
    assert page.evaluate(width) == PHONE[0]


# [name, colour, colour of the ground] of every text that is shown, as RGBA from 0 to 255.
_COLOURS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 200) return colour;
    }
  };
  const hasText = (node) =>
    [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((node) => node.checkVisibility() && !node.disabled && hasText(node))
    .map((node) => [
      node.className || node.tagName, rgba(getComputedStyle(node).color), ground(node)]);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("query", ["?q=jackets%2C+not+red&filter.gender=Women", "?like=no"])
def test_texts_have_contrast(open_page, scheme: str, query: str) -> None:
    page = open_page("", color_scheme=scheme)
    page.evaluate("query => history.pushState(null, '', query)", query)
    page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
    shown = ".problem:not([hidden]), .chip"
    expect(page.locator(shown).first).to_be_visible()
    colours = page.evaluate(_COLOURS)
    assert len(colours) > 20
    weak = {name: _contrast(text, ground) for name, text, ground in colours}
    assert {name: value for name, value in weak.items() if value < 4.5} == {}


def _contrast(first: list[int], second: list[int]) -> float:
    """Of two colours, as WCAG 2 defines it."""

    def luminance(colour: list[int]) -> float:
        shares = [value / 255 for value in colour[:3]]
        linear = [
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted([luminance(first), luminance(second)], reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_everything_that_is_used_has_a_name(open_page) -> None:
    page = open_page("?q=brown+jackets&compare=")
    _settled(page)
    for role in ("button", "checkbox", "searchbox", "spinbutton", "link"):
        names = page.get_by_role(role).evaluate_all(
            "nodes => nodes.map((node) => node.ariaLabel || node.textContent.trim() ||"
            " node.labels?.[0]?.textContent.trim())"
        )
        assert names and all(names), (role, names)
    expect(page.get_by_role("status")).to_have_text("Best 24 of 40 products")
    assert page.locator("img:not([alt])").count() == 0


def test_motion_is_left_out_where_it_is_not_wanted(open_page) -> None:
    page = open_page("?q=red", reduced_motion="reduce")
    moving = "node => getComputedStyle(node).transitionDuration"
    assert page.locator(".card").first.evaluate(moving) == "0s"


def test_nothing_is_asked_of_another_host(browser, address) -> None:
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address + "?q=red&compare=")
    expect(page.locator(".column h2")).to_have_count(3)
    assert asked and all(url.startswith(address) for url in asked)
    page.close()
