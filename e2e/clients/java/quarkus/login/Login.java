import java.util.HashMap;
import java.util.Map;

import org.eclipse.microprofile.jwt.JsonWebToken;

import io.quarkus.oidc.AccessTokenCredential;
import io.quarkus.oidc.IdToken;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;

/** Login tells what it learned of the person who signed in. */
@Path("/")
public class Login {
	@Inject
	@IdToken
	JsonWebToken idToken;

	@Inject
	AccessTokenCredential accessToken;

	@GET
	public Map<String, Object> me() {
		Map<String, Object> claims = new HashMap<>();
		for (String name : new String[] { "sub", "name", "email", "preferred_username" }) {
			Object value = idToken.getClaim(name);
			if (value != null) {
				claims.put(name, value.toString());
			}
		}
		return Map.of("id_token", claims, "access_token", accessToken.getToken());
	}
}
