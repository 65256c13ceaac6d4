"""Plans an import: fields, groups, flows, campaigns, triggers, in this order. All or nothing."""

from collections.abc import Callable

import msgspec

from trunkline.flows.catalogue import Catalogue
from trunkline.flows.transfer import envelope
from trunkline.flows.transfer.belongings import Belongings
from trunkline.flows.transfer.envelope import Envelope
from trunkline.flows.transfer.flows import Flows, issues
from trunkline.flows.transfer.plans import Plan, applied
from trunkline.flows.transfer.schedules import Schedules
from trunkline.flows.transfer.workspace import Workspace


def plan(
    contents: Envelope, workspace: Workspace, new_uuid: Callable[[], str], *, same_site: bool | None = None
) -> Plan:
    """What importing a file (see `envelope.read`) would do. Raises `InvalidFile` and `UnsupportedVersion`.

    Flows and campaigns of the file are those of the workspace with the same uuid only if both are of one site,
    which the addresses in file and workspace tell unless `same_site` does; otherwise names decide.
    """
    if same_site is None:
        same_site = bool(contents.site) and envelope.host(contents.site) == envelope.host(workspace.site)
    belongings = Belongings(workspace, new_uuid)
    belongings.add_fields(contents.fields)
    belongings.add_groups(contents.groups)
    flows = Flows(workspace, belongings, new_uuid, same_site=same_site)
    flows.add(contents.flows)
    schedules = Schedules(workspace, belongings, flows, new_uuid, same_site=same_site)
    schedules.add_campaigns(contents.campaigns)
    schedules.add_triggers(contents.triggers)
    planned = Plan(
        fields=list(belongings.fields.values()),
        groups=belongings.groups,
        resthooks=flows.resthooks,
        flows=flows.changes(),
        campaigns=schedules.campaigns,
        triggers=schedules.triggers,
        issues=belongings.issues,
    )
    found = issues(planned.flows, Catalogue(applied(planned, workspace)))
    return msgspec.structs.replace(planned, issues=belongings.issues + found + schedules.issues)
