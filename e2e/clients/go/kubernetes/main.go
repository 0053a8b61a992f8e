// Command kubernetes is the part of the Kubernetes API server that accepts ID tokens, as kubernetes
// AUTHENTICATION-CONFIGURATION < TOKEN. It prints the user that the token stands for, and the user's groups.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

func main() {
	if err := authenticate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func authenticate(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	token, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoded, err := runtime.Decode(serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder(), text)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	config, ok := decoded.(*apiserver.AuthenticationConfiguration)
	if !ok || len(config.JWT) != 1 {
		return fmt.Errorf("%s is no AuthenticationConfiguration with one issuer", file)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	judge, err := oidc.New(ctx, oidc.Options{JWTAuthenticator: config.JWT[0]})
	if err != nil {
		return err
	}
	// It fetches the issuer's keys in the background, and accepts no token before.
	for judge.HealthCheck() != nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the issuer's keys: %w", judge.HealthCheck())
		case <-time.After(50 * time.Millisecond):
		}
	}
	who, ok, err := judge.AuthenticateToken(ctx, strings.TrimSpace(string(token)))
	if err == nil && !ok {
		err = errors.New("the token is of another issuer")
	}
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(append([]string{who.User.GetName()}, who.User.GetGroups()...), " "))
	return nil
}
