// Passkeys, for the forms that ask for one: <form data-passkey="get" data-options="URL"
// hidden>. The challenge is fetched when it is needed, and what the browser answers is
// posted as any form is. Where this does not run, the forms stay hidden.
const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON && PublicKeyCredential.parseCreationOptionsFromJSON
const refresh = 8 * 60 * 1000 // challenges live for ten minutes

let current // stops the question that is open: a page can have one at a time

async function ask(form, mediation) {
	current?.abort()
	const mine = current = new AbortController()
	const answer = await fetch(form.dataset.options, { signal: mine.signal })
	if (answer.redirected) return location.assign(answer.url) // to prove who it is, first
	if (!answer.ok) throw new Error("no challenge: " + answer.status)
	const { options, state } = await answer.json()
	const create = form.dataset.passkey === "create"
	const publicKey = create
		? PublicKeyCredential.parseCreationOptionsFromJSON(options)
		: PublicKeyCredential.parseRequestOptionsFromJSON(options)
	const credential = await navigator.credentials[create ? "create" : "get"]({ publicKey, mediation, signal: mine.signal })
	form.elements.state.value = state
	form.elements.answer.value = JSON.stringify(credential)
	form.submit()
}

// offer shows passkeys in the list that the browser opens below a field, for as long as
// the page is open.
async function offer(form) {
	form.stop?.()
	if (!await PublicKeyCredential.isConditionalMediationAvailable?.()) return
	const again = setTimeout(offer, refresh, form)
	form.stop = () => clearTimeout(again)
	ask(form, "conditional").catch(() => {}) // nobody asked for it: the button says more
}

function prepare(form) {
	const button = form.querySelector("button")
	const fault = form.querySelector("[data-fault]")
	form.hidden = false
	form.addEventListener("submit", async event => {
		event.preventDefault()
		form.stop?.()
		button.disabled = true
		fault.hidden = true
		try {
			await ask(form)
		} catch (error) {
			fault.textContent = error.name === "InvalidStateError" && fault.dataset.exists || fault.dataset.fault
			fault.hidden = false
			button.disabled = false
			button.focus()
			if ("autofill" in form.dataset) offer(form)
		}
	})
	if ("autofill" in form.dataset) {
		offer(form)
		addEventListener("pageshow", event => { if (event.persisted) { button.disabled = false; offer(form) } })
	}
}

// Another form that is sent ends the question, and so do pages that are left: some browsers refuse the next one while
// it is open.
function stop(event) {
	if (event.target.matches?.("form[data-passkey]")) return
	document.querySelectorAll("form[data-passkey]").forEach(form => form.stop?.())
	current?.abort()
}

if (able) {
	addEventListener("submit", stop)
	addEventListener("pagehide", stop)
	document.querySelectorAll("form[data-passkey]").forEach(prepare)
	document.querySelectorAll("[data-known-passkeys]").forEach(e => PublicKeyCredential.signalAllAcceptedCredentials?.(JSON.parse(e.dataset.knownPasskeys)).catch(() => {}))
	document.querySelectorAll("[data-with-passkeys]").forEach(e => { e.hidden = false })
	document.querySelectorAll("[data-without-passkeys]").forEach(e => { e.hidden = true })
}
