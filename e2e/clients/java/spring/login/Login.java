package app;

import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Login tells what it learned of the person who signed in. */
@SpringBootApplication
@RestController
public class Login {
	public static void main(String[] args) {
		SpringApplication.run(Login.class, args);
	}

	@GetMapping("/")
	Map<String, Object> me(@AuthenticationPrincipal OidcUser user,
			@RegisteredOAuth2AuthorizedClient OAuth2AuthorizedClient client) {
		return Map.of("id_token", user.getIdToken().getClaims(), "claims", user.getClaims(), "access_token",
				client.getAccessToken().getTokenValue());
	}
}
