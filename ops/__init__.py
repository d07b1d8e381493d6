"""What operators run against a deployed Laurel: each command asks a function of the deployment to do the work."""
