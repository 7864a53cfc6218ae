/** Which role somebody has, and a choice where there is one. */

import { words } from "../words.js";
import { Chevron } from "./icons.jsx";
import { Menu } from "./menu.jsx";
import { Tip } from "./tip.jsx";

/** @import { RoleChoice as Choice, MemberView } from "../api-types.d.ts" */
/** @typedef {MemberView["role"]} Role */

/** The strongest first. */
const ROLES = /** @type {const} */ (["owner", "admin", "user"]);

/** The roles of a choice, the strongest first. @param {Choice} may @returns {Role[]} */
export function rolesOf(may) {
  return ROLES.filter((role) => may.roles.some((allowed) => allowed === role));
}

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
  const roles = ROLES.filter((one) => one === role || others.some((other) => other === one));
  return (
    <Menu
      class="role-button"
      label={`${label}: ${words.roles[role]}`}
      items={() =>
        roles.map((one) => ({
          text: words.roles[one] ?? one,
          hint: words.roleMeanings[one] ?? "",
          checked: one === role,
          onChoose: () => one !== role && onChange(one),
        }))
      }
    >
      {words.roles[role]}
      <Chevron class="select-arrow" />
    </Menu>
  );
}

/**
 * A choice of a role with what each may do, for a form.
 *
 * @param {{ role: Role, roles: Role[], onChange: (role: Role) => void }} props
 */
export function RoleField({ role, roles, onChange }) {
  return (
    <fieldset class="choices">
      <legend class="label">{words.members.role}</legend>
      {roles.map((one) => (
        <label key={one} class="choice">
          <input
            type="radio"
            name="role"
            checked={one === role}
            aria-label={words.roles[one]}
            aria-describedby={`role-${one}`}
            onChange={() => onChange(one)}
          />
          <span class="choice-text">
            <span class="strong">{words.roles[one]}</span>
            <span class="muted small" id={`role-${one}`}>
              {words.roleMeanings[one]}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
