/**
 * The limits of what callers can make the service store. AWS publishes no such limits. A table at its limit loses the rows
 * that end first, so a call never fails because of earlier calls. The resources have quotas instead, see `quotas.ts`.
 */

/** The largest number of characters of the rows and keys of one table: 128 Mi. */
const characters = 2 ** 27

/** Workload access tokens: those of one hour, their lifetime, at the 200 per second that AWS allows. */
export const workloadTokens = { rows: 720_000, characters: 2 * characters }

/** Consent sessions of any status. */
export const sessions = { rows: 200_000, characters }

/** Grants in the vault. */
export const grants = { rows: 200_000, characters }

/** The cache of machine tokens. */
export const machineTokens = { rows: 100_000, characters }

/** Consent portals. AWS lists no quota. */
export const portals = 1_000

/** Secrets for `EXTERNAL` credential providers, which tests set. A test control never removes one: it fails instead. */
export const secrets = { rows: 10_000, characters: 2 ** 24 }

/** Chosen issuers, which tests set. */
export const issuers = { rows: 10_000, characters: 2 ** 24 }

/** Injected failures whose calls were not made yet, and the characters of their messages. */
export const failures = { entries: 1_000, characters: 2 ** 22 }

/**
 * Pending sessions of one user at one provider. An agent that repeats its request every five seconds opens 120 in the ten
 * minutes that a session lasts. If there are more, the oldest one whose consent page was not opened expires.
 */
export const pendingSessionsOfGrant = 128

/** Pending sessions of all users. If there are more, the oldest one expires, or one of the next whose page was not opened. */
export const pendingSessions = 100_000
