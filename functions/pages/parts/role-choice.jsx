/** Which role somebody has, and a choice where there is one. */

import { words } from "../words.js";
import { Select } from "./select.jsx";
import { Tip } from "./tip.jsx";

/** @import { RoleChoice as Choice, MemberView } from "../api-types.d.ts" */
/** @typedef {MemberView["role"]} Role */

/**
 * @param {object} props
 * @param {Role} props.role
 * @param {Choice} props.may
 * @param {string} props.label
 * @param {(role: Role) => void} props.onChange
 */
export function RoleChoice({ role, may, label, onChange }) {
  const others = may.roles.filter((one) => one !== role);
  if (others.length === 0) {
    return (
      <Tip reason={may.reason} takesFocus={Boolean(may.reason)} class="role-text">
        {() => (
          <>
            <span class="hidden-text">{label}: </span>
            {words.roles[role]}
          </>
        )}
      </Tip>
    );
  }
  // The order of the API's list, the strongest first, with the present one among them.
  const roles = ["owner", "admin", "user"].filter((one) => one === role || may.roles.some((allowed) => allowed === one));
  return (
    <Select
      label={label}
      value={role}
      options={roles.map((one) => [one, words.roles[one] ?? one])}
      onChoose={(chosen) => onChange(/** @type {Role} */ (chosen))}
    />
  );
}
