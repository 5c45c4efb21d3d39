/** Facts of the service about consent sessions. */
import * as Duration from "effect/Duration"

/** The lifetime of a session and its authorization URL: 10 minutes. */
export const sessionLifetime: Duration.Duration = /* @__PURE__ */ Duration.minutes(10)
