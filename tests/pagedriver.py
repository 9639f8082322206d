# SPDX-License-Identifier: AGPL-3.0-or-later
"""An officer at the page: what a person does with a keyboard, and everything the browser sends meanwhile."""

from playwright.sync_api import Page, Request

MOST_STEPS = 15
TYPABLE_STOPS = 120  # more presses of Tab than the page has stops


class Wire:
    """Every request of a page: address, headers and body."""

    def __init__(self, page: Page) -> None:
        self.requests: list[Request] = []
        page.on("request", lambda request: self.requests.append(request))

    def holds(self, marker: str) -> bool:
        """Return whether a marker word stands in any part of any request."""
        needle = marker.encode()
        for request in self.requests:
            parts = [request.url.encode(), repr(request.all_headers()).encode(), request.post_data_buffer or b""]
            if any(needle in part for part in parts):
                return True
        return False

    def posts(self) -> list[Request]:
        """Return the requests that carry something."""
        return [request for request in self.requests if request.method != "GET"]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(TYPABLE_STOPS):
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def press(page: Page, selector: str) -> None:
    """Reach a button by Tab and press it."""
    tab_to(page, selector)
    page.keyboard.press("Enter")


def visible(step: str, rest: str) -> str:
    """Return the selector of something inside the step that is shown."""
    return f"[data-step={step}]:not([hidden]) {rest}"


def shown(page: Page) -> str:
    """Return the name of the step that is shown."""
    name: str = page.locator("[data-step]:not([hidden])").get_attribute("data-step") or ""
    return name


def go_on(page: Page, to: str) -> list[str]:
    """Press Continue, answering nothing, until a step is shown; return the steps on the way."""
    steps = [shown(page)]
    while steps[-1] != to and len(steps) <= MOST_STEPS:
        press(page, visible(steps[-1], "[data-go=next]"))
        steps.append(shown(page))
    assert steps[-1] == to
    return steps


def start(page: Page) -> None:
    """Say that the device is the officer's own, and start."""
    page.wait_for_selector(visible("before", "[data-go=next]"))
    tab_to(page, "#device-no")
    page.keyboard.press("Space")
    press(page, visible("before", "[data-go=next]"))


def write_report(page: Page, url: str, text: str, *, paste: bool = False) -> None:
    """Go from the first step to the check, by keyboard alone; choose the first kind; type the text."""
    page.goto(url)
    start(page)
    page.wait_for_selector(visible("kinds", "[data-input]"))
    tab_to(page, "#kinds-REV")
    page.keyboard.press("Space")
    press(page, visible("kinds", "[data-go=next]"))
    go_on(page, "text")
    tab_to(page, "#text")
    if paste:
        page.keyboard.insert_text(text)
    else:
        page.keyboard.type(text)
    press(page, visible("text", "[data-go=next]"))
    press(page, visible("consent", "[data-go=next]"))
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))


def seal(page: Page) -> None:
    """Press the seal button by keyboard."""
    press(page, visible("check", "[data-seal]"))


def await_receipt(page: Page) -> list[str]:
    """Return the 13 words that the page shows after the portal's 201."""
    page.wait_for_selector("[data-step=receipt]:not([hidden])")
    words: list[str] = page.locator("[data-receipt] li").all_inner_texts()
    return [word.strip() for word in words]
