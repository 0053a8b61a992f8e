import io.quarkus.security.Authenticated;
import io.quarkus.security.identity.SecurityIdentity;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;

/** Api tells the caller's name. */
@Path("/")
@Authenticated
public class Api {
	@Inject
	SecurityIdentity caller;

	@GET
	public String caller() {
		return caller.getPrincipal().getName();
	}
}
