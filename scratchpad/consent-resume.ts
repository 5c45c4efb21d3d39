import { Console, Effect } from "effect"
import { IdentityControls, IdentityService } from "effect-agentcore-identity"
import * as Folder from "./consent/Folder.js"
import { asAda } from "./consent/world.js"
import { reportErrors } from "./shared/reportErrors.js"

/** Resumes the call that `consent-suspend.ts` suspended, after Ada has consented. A handle returns one token. */
const program = (directory: string) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const { sessions } = yield* IdentityControls.IdentityControls
    const [session] = yield* sessions
    if (session?.status === "pending") yield* IdentityControls.consent(session)
    const handle = yield* Folder.handle(directory)
    const token = yield* identity.resume(handle, { workloadAccessToken: yield* asAda })
    yield* Console.log(`resumed: ${token}`)
    const again = identity.resume(handle, { workloadAccessToken: yield* asAda }).pipe(
      Effect.catchTag("HandleRejected", ({ message }) => Effect.succeed(message))
    )
    yield* Console.log(`resumed again: ${yield* again}`)
  })

Folder.find(process.argv[2]).pipe(
  Effect.flatMap((directory) => Effect.provide(program(directory), Folder.layer(directory))),
  reportErrors,
  Effect.runPromise
)
