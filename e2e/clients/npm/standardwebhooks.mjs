// Does what an app does that is told of events: it verifies a request, and prints the event.
import {Webhook} from 'standardwebhooks'

const {secret, body, headers} = JSON.parse(process.argv[2])
const event = new Webhook(secret).verify(body, headers) // throws if it is not ours
console.log(JSON.stringify(event))
