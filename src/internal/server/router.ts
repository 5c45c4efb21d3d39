/** Everything that the local server serves beside AWS's operations. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Effect from "effect/Effect"
import type { IdentityControls } from "../../IdentityControls.js"
import * as local from "./control/routes.js"
import * as consent from "./pages/consent.js"
import * as dashboard from "./pages/dashboard.js"
import { Trouble } from "./state/faultInjection.js"

/**
 * The browser's legs of a consent, the dashboard and the control API, at the time of `Trouble`'s clock. What else is
 * requested fails with `RouteNotFound`.
 *
 * @internal
 */
export const router: HttpRouter.HttpRouter<never, IdentityControls | Trouble> = HttpRouter.concatAll(
  consent.router,
  dashboard.router,
  local.router
).pipe(HttpRouter.use((route) => Effect.flatMap(Trouble, ({ clock }) => Effect.withClock(route, clock))))
