/** The routes of the local server, besides the operations of AWS. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Effect from "effect/Effect"
import type { IdentityControls } from "../../IdentityControls.js"
import * as local from "./control/routes.js"
import * as consent from "./pages/consent.js"
import * as dashboard from "./pages/dashboard.js"
import { withUnknownPage } from "./pages/unknownPath.js"
import type { FaultInjection } from "./state/faultInjection.js"
import { MovableClock } from "./state/movableClock.js"
import type { PageTokens } from "./state/pageTokens.js"

/**
 * The pages of a consent, the dashboard and the control API, with the time of `MovableClock`. A browser that opens an unknown
 * endpoint of the control API receives a page. Any other request fails with `RouteNotFound`.
 */
export const router: HttpRouter.HttpRouter<never, IdentityControls | FaultInjection | MovableClock | PageTokens> =
  HttpRouter.concatAll(
    consent.router,
    dashboard.router,
    HttpRouter.use(local.router, withUnknownPage)
  ).pipe(HttpRouter.use((route) => Effect.flatMap(MovableClock, ({ clock }) => Effect.withClock(route, clock))))
