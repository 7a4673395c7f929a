"""Is every `${…}` set that the target and the profile's commands name?"""

from __future__ import annotations

from surgectl.doctor.checkup import Checkup
from surgectl.doctor.patient import Patient


def look_at_variables(patient: Patient) -> list[Checkup]:
    """Those that nobody has set; those that the stage will set are no fault of anybody."""
    if patient.stage_is_down:
        what = f"the run puts up the built-in shop and sets {', '.join(patient.unset)}"
        fix = "to look at that shop beforehand: surgectl stage up PROFILE, then doctor with the --set that it prints"
        return [Checkup(part="variables", name="stage", verdict="note", what=what, fix=fix)]
    found = [
        Checkup(
            part="variables",
            name=f"${{{name}}}",
            verdict="fail",
            what="is not set",
            fix=f"export {name}=…, --set {name}=…, or write ${{{name}:-default}}",
        )
        for name in patient.unset
    ]
    found += [
        Checkup(part="variables", name="command", verdict="fail", what=said, where="chaos") for said in patient.unfilled
    ]
    return found or [Checkup(part="variables", name="variables", verdict="pass", what="every ${…} has a value")]
