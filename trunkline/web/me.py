"""One's own page: how things look, and how one signs in."""

from starlette.responses import Response

from trunkline.web import preferences
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("me")


@pages.get("/me")
async def show(visit: Visit) -> Response:
    return visit.page("me.html")


@pages.post("/me/look", level="view")
async def look(visit: Visit) -> Response:
    response = visit.to("/me", visit.words("Saved."))
    preferences.keep(visit.request, response, theme=visit.form.text("theme"), language=visit.form.text("language"))
    return response
