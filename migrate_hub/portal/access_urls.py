"""Pages of access: the second step of signing in, recovery, invitations, the account, members, tokens."""

from django.urls import path

from migrate_hub.portal import account, invitations, members, recovery, second_factor, sign_in, tokens

urlpatterns = [
    path("sign-in/", sign_in.SignInView.as_view(), name="sign-in"),
    path("sign-in/second-step/", sign_in.SecondStepView.as_view(), name="second-step"),
    path("sign-in/recovery-code/", sign_in.RecoveryCodeView.as_view(), name="recovery-code"),
    path("sign-out/", sign_in.SignOutView.as_view(), name="sign-out"),
    path("forgotten-password/", recovery.ForgottenView.as_view(), name="forgotten-password"),
    path("reset-password/<str:person>/<str:token>/", recovery.ResetPasswordView.as_view(), name="reset-password"),
    path("invitations/<str:invitation>/", invitations.InvitationView.as_view(), name="invitation"),
    path("account/", account.AccountView.as_view(), name="account"),
    path("account/name/", account.NameView.as_view(), name="account-name"),
    path("account/end-sessions/", account.EndSessionsView.as_view(), name="end-sessions"),
    path("account/second-factor/", second_factor.SecondFactorView.as_view(), name="second-factor"),
    path("account/second-factor/off/", second_factor.TurnOffView.as_view(), name="second-factor-off"),
    path("account/recovery-codes/", second_factor.RecoveryCodesView.as_view(), name="recovery-codes"),
    path("members/", members.MembersView.as_view(), name="members"),
    path("members/second-factor/", members.RequireSecondFactorView.as_view(), name="require-second-factor"),
    path("members/invitations/", members.InvitationsView.as_view(), name="invitations"),
    path(
        "members/invitations/<str:invitation>/revoke/",
        members.RevokeInvitationView.as_view(),
        name="revoke-invitation",
    ),
    path("members/<str:member>/", members.MemberView.as_view(), name="member"),
    path("tokens/", tokens.TokensView.as_view(), name="tokens"),
    path("tokens/<str:token>/revoke/", tokens.RevokeTokenView.as_view(), name="revoke-token"),
]
