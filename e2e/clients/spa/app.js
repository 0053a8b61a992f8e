// A single-page app as the documentation of oidc-client-ts has it. What it knows is
// written to #state, for whoever looks on.
'use strict'

const state = { email: null, renewed: 0, errors: [], subject: null }
const show = (text) => {
  document.getElementById('state').textContent = JSON.stringify({ at: text, ...state })
}
const failed = (error) => {
  state.errors.push(String(error))
  show('failed')
}

async function start() {
  const settings = await (await fetch('/settings.json')).json()
  const manager = new oidc.UserManager({
    ...settings,
    redirect_uri: location.origin + '/callback',
    post_logout_redirect_uri: location.origin + '/',
    scope: 'openid profile email offline_access',
    loadUserInfo: true,
    automaticSilentRenew: true,
    revokeTokensOnSignout: true,
    userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
  })
  manager.events.addUserLoaded((user) => {
    state.renewed++
    state.email = user.profile.email
    state.subject = user.profile.sub
    show('signed in')
  })
  manager.events.addSilentRenewError(failed)
  document.getElementById('in').onclick = () => manager.signinRedirect().catch(failed)
  document.getElementById('out').onclick = () => manager.signoutRedirect().catch(failed)

  if (location.pathname === '/callback') {
    await manager.signinRedirectCallback()
    state.renewed = 0
    history.replaceState(null, '', '/')
  }
  const user = await manager.getUser()
  if (user) {
    state.email = user.profile.email
    state.subject = user.profile.sub
    show('signed in')
  } else {
    show('signed out')
  }
}

start().catch(failed)
