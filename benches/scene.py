"""An organization for the benchmarks, and the events that read and change it."""

import json
import urllib.request

from lambda_side import ROOT, Person

ORGANIZATION = "01930000-0000-7000-8000-000000000001"
# An organization can have 100 outstanding invites.
INVITES = 90


class Scene:
    def __init__(self, api):
        owner, self.owner_id = sign_in(api, "owner@example.com", "Olivia")
        self.owner = owner
        self.organization_id = self.another_organization()
        self.invites = 0
        path = f"/v1/organizations/{self.organization_id}"
        for n in range(24):
            guest, _ = sign_in(api, f"guest{n}@example.com", f"Guest {n}")
            wish = {"email": f"guest{n}@example.com", "role": "user"}
            invite = owner.post(f"{path}/invites", wish).expect("201")
            guest.post(f"/v1/account/invites/{invite['id']}/accept").expect("200")

    def another_organization(self):
        made = self.owner.post("/v1/organizations", {"name": "Sample Studio"})
        return made.expect("201")["id"]

    def event(self, operation, number):
        """Returns the operation's sample event, made unique by `number`."""
        organization_id = self.organization_id
        if operation == "create-invite":
            if self.invites % INVITES == 0:
                self.inviting = self.another_organization()
            self.invites += 1
            organization_id = self.inviting
        text = (ROOT / "events" / f"{operation}.json").read_text()
        text = text.replace(ORGANIZATION, organization_id)
        text = text.replace('"sample-owner"', f'"{self.owner_id}"')
        event = json.loads(text)
        if body := event.get("body"):
            body = json.loads(body)
            for field, value in body.items():
                if field == "email":
                    body[field] = f"invitee-{number}@example.com"
                elif field == "name":
                    body[field] = f"{value} {number}"
            event["body"] = json.dumps(body)
        return event


def sign_in(api, email, name):
    form = f"email={email}&name={name}&verified=true".replace(" ", "%20")
    with urllib.request.urlopen(f"{api}/local/sign-in", data=form.encode()) as answer:
        person = Person(api, json.loads(answer.read())["token"])
    return person, person.user_id()
