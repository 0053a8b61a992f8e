package app;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Api tells the caller's name. */
@SpringBootApplication
@RestController
public class Api {
	public static void main(String[] args) {
		SpringApplication.run(Api.class, args);
	}

	@GetMapping("/")
	String caller(@AuthenticationPrincipal Jwt token) {
		return token.getSubject();
	}
}
