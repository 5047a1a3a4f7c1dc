import * as v from 'valibot';
import { GRANTS, ROLES } from '#core/account.ts';
import { USERNAME } from '../../accounts/users.ts';

/** An account as api.md has it, with what a researcher may see besides. */
export const UserShape = v.object({
  id: v.string(),
  username: v.string(),
  role: v.picklist(ROLES),
  enabled: v.boolean(),
  createdAt: v.string(),
  grants: v.array(v.picklist(GRANTS)),
});

const NAME_FORM = 'expected 2 to 32 of the letters a to z, digits, ".", "_" and "-"';

/** Of a new account. */
export const NewName = v.pipe(v.string(), v.regex(USERNAME, NAME_FORM));
/** What may be one is for the accounts to say, whose words do not repeat it. */
export const Password = v.string();
export const RoleName = v.picklist(ROLES);
export const Grants = v.array(v.picklist(GRANTS));
