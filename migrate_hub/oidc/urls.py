"""/api/v1/company-sign-in/."""

from django.urls import path

from migrate_hub.oidc.views import CompanySignInView

urlpatterns = [path("company-sign-in/", CompanySignInView.as_view(), name="company-sign-in")]
