/** Consent portals. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Struct from "effect/Struct"
import type { operations } from "../../../ConsentPortal.js"
import type { IdentityApi } from "../../../IdentityApi.js"
import { Conflict } from "../../../IdentityError.js"
import { portalArn, portalUrl } from "../state/arns.js"
import * as assumptions from "../state/assumptions.js"
import * as simulatedValues from "../state/simulatedValues.js"
import type { OperationName, State } from "../state/state.js"
import { find, result, type Store } from "../state/store.js"
import { page } from "./paging.js"
import * as tags from "./tags.js"

const findPortal = (operation: OperationName, state: State, id: string) =>
  find(operation, "Consent portal", state.portals, id)

/** @internal */
export const make = (store: Store): Pick<IdentityApi["Type"], keyof typeof operations> => ({
  createConsentPortal: Effect.fnUntraced(function*({ tags: given, ...request }) {
    const id = `${request.name}-${yield* simulatedValues.base62(10)}`
    return yield* store.decide((state, now) => {
      const { name } = request
      if (HashMap.some(state.portals, (portal) => portal.name === name)) {
        const message = `Consent portal '${name}' already exists`
        return Either.left(new Conflict({ operation: "CreateConsentPortal", message }))
      }
      const portal = {
        ...request,
        consentPortalId: id,
        consentPortalArn: portalArn(store.settings, id),
        portalUrl: portalUrl(store.settings, id),
        createdAt: now,
        updatedAt: now
      }
      return Either.right(result({ ...portal, status: assumptions.portalStatus.create }, {
        ...state,
        portals: HashMap.set(state.portals, id, portal),
        tags: tags.set(state.tags, portal.consentPortalArn, given)
      }))
    })
  }),

  getConsentPortal: ({ consentPortalIdentifier: id }) =>
    store.read((state) =>
      Either.map(
        findPortal("GetConsentPortal", state, id),
        (portal) => ({ ...portal, status: assumptions.portalStatus.read })
      )
    ),

  updateConsentPortal: ({ consentPortalIdentifier: id, description, executionRoleArn, idpConfig }) =>
    store.decide((state, now) =>
      Either.map(findPortal("UpdateConsentPortal", state, id), (stored) => {
        const portal = {
          ...stored,
          executionRoleArn: executionRoleArn ?? stored.executionRoleArn,
          idpConfig: idpConfig ?? stored.idpConfig,
          description: description ?? stored.description,
          updatedAt: now
        }
        return result({ ...portal, status: assumptions.portalStatus.update }, {
          ...state,
          portals: HashMap.set(state.portals, id, portal)
        })
      })
    ),

  deleteConsentPortal: ({ consentPortalIdentifier: id }) =>
    store.decide((state) =>
      Either.map(findPortal("DeleteConsentPortal", state, id), ({ consentPortalArn }) =>
        result({}, {
          ...state,
          portals: HashMap.remove(state.portals, id),
          ...tags.forget(state, consentPortalArn)
        }))
    ),

  listConsentPortals: (request) =>
    store.read((state) =>
      Either.map(page("ListConsentPortals", request, 100, state.portals), ({ items, nextToken }) => ({
        consentPortals: items.map((portal) => ({
          ...Struct.omit(portal, "executionRoleArn", "idpConfig", "statusReason"),
          status: assumptions.portalStatus.read
        })),
        nextToken
      }))
    )
})
