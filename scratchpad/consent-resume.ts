import { Console, Effect } from "effect"
import { IdentityControls, IdentityService } from "effect-agentcore-identity"
import * as Folder from "./consent/Folder.js"
import { adaAgrees, asAda } from "./consent/world.js"
import { told } from "./shared/told.js"

/** Resumes the call that `consent-suspend.ts` suspended, once Ada has agreed; a handle gives one token. */
const program = (directory: string) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const { sessions } = yield* IdentityControls.IdentityControls
    const [session] = yield* sessions
    if (session?.status === "pending") yield* adaAgrees(session)
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
  told,
  Effect.runPromise
)
